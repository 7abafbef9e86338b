"""``Job``, the base class of every task: what an attempt does with its record.

``@app.task`` declares one; ``autoretry_for``, ``retry_backoff`` and the other options are Celery's.
Three things differ from Celery. A call may set ``max_retries``, which counts attempts. An attempt
that no longer owns its job does not run. A retry stores the record and the next message in one
step, so a crash afterwards loses neither.

``project.job`` lists which hook of Celery's calls which method of this class.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial, wraps
from math import isfinite
from typing import Any, NoReturn

from celery.app.task import Context
from celery.canvas import Signature
from celery.exceptions import (
    Ignore,
    MaxRetriesExceededError,
    Reject,
    Retry,
    SoftTimeLimitExceeded,
    WorkerShutdown,
    WorkerTerminate,
)
from celery.utils.log import get_logger

from project.artifacts.drafts import Draft, open_draft
from project.errors import ContinuoError, InvalidField, StoreUnavailable
from project.job.attempt import PROGRESS_REPORTER
from project.job.canvas.aftermath import run_aftermath
from project.job.canvas.replacement import collect_messages
from project.job.running.cancellation import WORKER_PROCESS
from project.job.running.causes import build_cause, format_traceback
from project.job.running.coroutines import make_synchronous
from project.job.running.current_attempt import claimed_attempt
from project.job.running.progress import ProgressReporter, build_progress
from project.job.running.results import fill_arguments, find_place
from project.job.running.retry_arguments import merge_arguments
from project.job.waits import WaitTask
from project.messages.encoding import replace_surrogates
from project.messages.options import check_max_retries
from project.records.record import Progress
from project.store.commands import attempts as attempt_commands
from project.store.commands import jobs
from project.store.commands.attempts import StartResult, Verdict
from project.telemetry.tracing import trace_attempt

log = get_logger(__name__)

HAS_BEGUN = "has_begun"
"""The attribute of a request whose attempt ``Job.before_start`` has begun."""


class _PerCall:
    """Keeps the ``max_retries`` of one call from applying to later jobs of the process.

    ``autoretry_for`` in Celery (``celery/app/autoretry.py``) does two things: it stores the
    ``max_retries`` that a job passes to ``retry`` in ``task.override_max_retries``, and reads it
    back with ``hasattr``. The task object is shared by all jobs of a process, so the limit of one
    job would become the limit of the next. This descriptor drops what is stored and raises
    ``AttributeError`` on reading, so that ``hasattr`` is false. The limit of a call travels in
    the header ``max_attempts`` of its message instead.
    """

    def __get__(self, task: Any, owner: type) -> NoReturn:
        raise AttributeError("override_max_retries")

    def __set__(self, task: Any, value: int) -> None:
        """Drop the value."""


class Cancelled(Ignore):
    """Raised in a job to stop it; the record becomes ``cancelled`` when the job has ended."""

    outcome = "cancelled"


class JobExit(ContinuoError):
    """A job raised what ends a process (``sys.exit``): its attempt fails, its process goes on."""


class Job(WaitTask):
    """The base class of every task of the app."""

    Request = "project.worker.request:JobRequest"
    override_max_retries = _PerCall()

    default_retry_delay: float | None = None
    """Seconds before a retry that names no time; None: they double from 2 up to 30."""

    hides_arguments = False
    """Whether logs, Flower and ``inspect`` show ``...`` in place of the arguments."""

    max_attempts: int | None = None
    """``max_retries`` + 1, for those who count attempts as orders and records do."""

    prints = False
    """Whether the log of a job also has what it prints."""

    result_copies: Any = None
    """The result backend of an app of the user's, in which its Celery clients look for results."""

    repeats = False
    """Whether ``JobResult.rerun`` also accepts a job that succeeded."""

    keeps_steps = True
    """Whether a rerun with the same arguments skips the steps that the job had finished."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Let Celery see ``max_attempts``, and call a task that is written as ``async def``."""
        super().__init_subclass__(**options)
        if (attempts := cls.__dict__.get("max_attempts")) is not None:
            cls.max_retries = check_max_retries(attempts, "max_attempts") - 1
        run = cls.__dict__.get("run")
        function = run.__func__ if isinstance(run, staticmethod) else run
        if inspect.iscoroutinefunction(function):
            made = make_synchronous(function)
            cls.run = staticmethod(made) if isinstance(run, staticmethod) else made
        if not hasattr(cls.before_start, "begins_attempt"):
            cls.before_start = begin_before(cls.before_start)  # type: ignore[method-assign]

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Start the attempt; raise ``Ignore`` for a message that is out of date.

        A class with a ``before_start`` of its own need not call this one. Raises ``Reject``, which
        puts the message back, when the start cannot be stored.
        """
        if self.request.is_eager or getattr(self.request, HAS_BEGUN, False):
            return
        setattr(self.request, HAS_BEGUN, True)
        WORKER_PROCESS.listen()
        if claimed_attempt(self.request):
            return
        try:
            answer = self.begin_attempt(self.request)
        except Exception as problem:  # a time limit or Redis: the attempt has not started
            raise Reject(str(problem), requeue=True) from problem
        if answer is StartResult.ENDED:
            run_aftermath(self.app, self.request)
        if not answer.has_begun:
            log.warning("job %s: not run, its message is %s", task_id, answer)
            raise Ignore

    def retry(
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: BaseException | None = None,
        throw: bool = True,
        eta: Any = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> Retry:
        """Schedule the next attempt, or raise ``exc`` when no attempt is left.

        Raises ``Ignore`` when this attempt no longer owns the job. Arguments are Celery's:
        ``max_retries`` counts retries.
        """
        request = self.request
        if request.called_directly or request.is_eager:
            return super().retry(args, kwargs, exc, throw, eta, countdown, max_retries, **options)
        attempt, limit = request.retries + 1, self._compute_limit(request, max_retries)
        if attempt >= limit:
            raise exc or MaxRetriesExceededError(f"{self.name}[{request.id}]: {attempt} attempts")
        self._flush_progress(request)
        delay = self._compute_delay(attempt, eta, countdown)
        args, kwargs = merge_arguments(self.run, request, args, kwargs)
        message = self._copy_message(request, args=args, kwargs=kwargs, retries=attempt, **options)
        error, reason = format_traceback(exc), exc or Retry("the job asked for another attempt")
        failure = replace_surrogates(self.backend.prepare_exception(reason))
        command = attempt_commands.retry(
            request.id,
            token=self.app.attempt_token(request),
            error=error,
            delay=delay,
            message=message._replace(max_retries=limit),
            cause=build_cause(type(reason).__name__, str(reason), error),
            exception=self.backend.encode(failure),
        )
        if self.app.store.run(command) is Verdict.REFUSED:
            log.warning("job %s: retry refused, this attempt no longer owns it", request.id)
            raise Ignore
        retry = Retry(exc=exc, when=delay)
        if throw:
            raise retry
        return retry

    def postpone(self, seconds: float) -> NoReturn:
        """End this attempt without counting it and run the job again after ``seconds``.

        Use it in a job that waits for something, or that lets others run. The job starts from the
        beginning and has to find its own earlier work. Always raises ``Ignore``.
        """
        self.end_postponed(seconds)
        raise Ignore

    def slow_down(self, seconds: float) -> NoReturn:
        """End this attempt without counting it, and let no job of its lane start for ``seconds``.

        Use it when somebody else asks for a pause, as with ``Retry-After``. The job is the first of
        its lane to run again, from the beginning. Without a lane, all jobs of the queue without one
        wait; with RabbitMQ only this job does. Always raises ``Ignore``.
        """
        if not isfinite(seconds) or seconds <= 0:
            raise InvalidField("seconds", f"{seconds!r} is not a number above 0")
        self.end_postponed(seconds, slows_lane=True)
        raise Ignore

    def end_postponed(self, seconds: float, **also: Any) -> Verdict:
        """End this attempt uncounted; ``also``: what waits as long, see ``attempts.postpone``."""
        request = self.request
        self._flush_progress(request)
        message = self._copy_message(request, retries=request.retries)
        token = self.app.attempt_token(request)
        command = attempt_commands.postpone(
            request.id, token=token, delay=seconds, message=message, **also
        )
        verdict: Verdict = self.app.store.run(command)
        if verdict is Verdict.REFUSED:
            log.warning("job %s: not postponed, this attempt no longer owns it", request.id)
        return verdict

    def on_replace(self, sig: Signature) -> Any:
        """End this attempt; ``sig``, a call or a canvas, goes on under the id of the job.

        ``Task.replace`` calls it. Raises ``Ignore``; in eager mode it returns the result.
        """
        request = self.request
        if request.called_directly or request.is_eager:
            return super().on_replace(sig)
        self._flush_progress(request)
        with collect_messages() as messages:
            sig.delay()
        token = self.app.attempt_token(request)
        command = jobs.replace(request.id, token=token, messages=messages)
        if self.app.store.run(command) is Verdict.REFUSED:
            log.warning("job %s: not replaced, this attempt no longer owns it", request.id)
        else:
            self.app.publish_all(messages)
        raise Ignore("replaced by another job")

    def is_cancelled(self) -> bool:
        """Whether a cancellation of this running job was requested. Asks Redis."""
        asked: bool = self.app.store.run(attempt_commands.is_cancel_requested(self.request.id))
        return asked

    def checkpoint(self) -> None:
        """Raise ``Cancelled`` when a cancellation was requested. Asks Redis."""
        if self.is_cancelled():
            raise Cancelled

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body of the task, in a span when traces are on."""
        if not self.app.traces or self.request.called_directly:
            return self._run(*args, **kwargs)
        with trace_attempt(self):
            return self._run(*args, **kwargs)

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        self.app.job_logs.begin_attempt(self.request.id, self.request.retries + 1)
        try:
            if not self.request.called_directly and (place := find_place(self.request)):
                args, kwargs = fill_arguments(self.app.store.run, place, args, kwargs)
            if self.payload is None or self.request.called_directly:
                return super().__call__(*args, **kwargs)
            result = super().__call__(**self.payload.load(args, kwargs))
            return self.payload.dump_result(result)
        except Cancelled:
            token = self.app.attempt_token(self.request)
            self.app.store.run(attempt_commands.end_cancelled(self.request.id, token=token))
            raise
        except (WorkerShutdown, WorkerTerminate):
            raise
        except (SystemExit, KeyboardInterrupt, GeneratorExit) as problem:
            raise JobExit(f"the job raised {problem!r}") from problem
        finally:
            self._flush_progress(self.request)
            self.app.job_logs.end_attempt(self.request.id)

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Report that ``done`` of ``total`` is done; ``total`` is None when it is not known.

        Call it as often as you like: at most four updates a second reach the record and the events.
        Raises ``InvalidField`` when a number is not finite.
        """
        request, progress = self.request, build_progress(done, total, note)
        if request.called_directly or request.is_eager:
            return
        if not hasattr(request, PROGRESS_REPORTER):
            setattr(
                request, PROGRESS_REPORTER, ProgressReporter(partial(self._store_progress, request))
            )
        getattr(request, PROGRESS_REPORTER).report(progress)

    def _store_progress(self, request: Context, progress: Progress) -> None:
        """Store the progress; an update that Redis does not accept is dropped."""
        token = self.app.attempt_token(request)
        with suppress(StoreUnavailable):
            self.app.store.run(attempt_commands.progress(request.id, token=token, value=progress))

    @contextmanager
    def once(self, key: str) -> Iterator[bool]:
        """Run a block at most once per job, over all attempts of the job.

        ::

            with self.once("charge") as first:
                if first:
                    charge(card)

        Gives True the first time, False afterwards. After an exception in the block, a later
        attempt gets True again. After a crash, a stop or a time limit inside the block the outcome
        is unknown, so the block does not run again.
        """
        attempt = {"token": self.app.attempt_token(self.request), "key": key}
        first: bool = self.app.store.run(attempt_commands.claim(self.request.id, **attempt))
        try:
            yield first
        except SoftTimeLimitExceeded:
            raise
        except Exception:
            if first:
                self.app.store.run(attempt_commands.unclaim(self.request.id, **attempt))
            raise

    def artifact(self, filename: str) -> AbstractContextManager[Draft]:
        """Make a file that people download by a signed link, like that of a report.

        ::

            with self.artifact("invoice.pdf") as file:
                file.path.write_bytes(render_invoice())
            return file.result

        The block writes to ``file.path``, a path in a folder of its own. When the block ends, the
        file is on disk or in the bucket, and ``file.result`` has ``download_url``, ``filename``,
        ``size``, ``sha256``, ``content_type`` and ``expires_at``. A block that raises an error
        leaves no file. Raises ``InvalidField`` for a name that is no file name, and
        ``PermanentError`` when the block wrote nothing.
        """
        return open_draft(filename)


Job.before_start.begins_attempt = True  # type: ignore[attr-defined]


def begin_before(own: Callable[..., None]) -> Callable[..., None]:
    """A ``before_start`` that begins the attempt before it does what a class of its own wants."""

    @wraps(own)
    def before_start(self: Job, task_id: str, args: Any, kwargs: Any) -> None:
        Job.before_start(self, task_id, args, kwargs)
        own(self, task_id, args, kwargs)

    before_start.begins_attempt = True  # type: ignore[attr-defined]
    return before_start

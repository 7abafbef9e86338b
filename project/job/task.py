"""The job: a Celery task whose every step is a move of its record.

``app.task`` makes one; ``autoretry_for``, ``retry_backoff`` and the rest are
Celery's. Beyond Celery: ``max_retries`` may be given per call and means attempts,
an attempt that no longer owns its job is not run, and a retry is one step
(record and next message together) that survives whatever happens next.
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cached_property, partial
from time import time
from typing import Any, NoReturn
from uuid import uuid4

from celery import Task, signals
from celery.app.task import Context
from celery.exceptions import (
    Ignore,
    MaxRetriesExceededError,
    Reject,
    Retry,
    SoftTimeLimitExceeded,
)
from celery.utils.log import get_logger

from project.errors import (
    StoreUnavailable,
)
from project.job.backend import MAX_ERROR_CHARACTERS, build_cause, rerun_id_of
from project.job.cancellation import WORKER_PROCESS
from project.job.current_attempt import CURRENT_ATTEMPT
from project.job.progress import ProgressReporter, build_progress
from project.job.result import JobResult, check_max_retries
from project.messages.builder import CALLBACK_HEADER, MAX_ATTEMPTS_HEADER, CapturingProducer
from project.messages.template import MessageTemplate
from project.records.record import DEFAULT_MAX_RETRIES, Progress, TaskRecord, compute_backoff
from project.store.commands import attempts as attempt_commands
from project.store.commands import jobs
from project.store.commands import message as message_commands
from project.store.commands.attempts import StartResult, Verdict
from project.store.commands.message import Message
from project.telemetry.tracing import trace_attempt

log = get_logger(__name__)

UNLIMITED_ATTEMPTS = 1_000_000
"""What Celery's ``max_retries = None`` (for ever) comes to: every loop has an end."""


PROGRESS_REPORTER = "teller"
"""Where a request keeps who tells its progress."""

TEMPLATE_OPTIONS = frozenset({"task_id", "countdown", "max_retries", "tags", "callback_url"})
"""What a call may ask for and still be a filled-in form."""


class _PerCall:
    """Keeps ``retry(max_retries=n)`` from setting ``n`` for every other job of the process.

    Celery stores it on the shared task object; the limit of a call is in its headers instead.
    """

    def __get__(self, task: Any, owner: type) -> NoReturn:
        raise AttributeError("override_max_retries")

    def __set__(self, task: Any, value: int) -> None:
        """Forget it."""


class Cancelled(Ignore):
    """Raised in a job that somebody wants stopped; its record says so when it has left the job."""

    outcome = "cancelled"


class Job(Task):
    """The base of every task of the app."""

    Request = "project.worker.request:JobRequest"
    max_retries = DEFAULT_MAX_RETRIES - 1
    override_max_retries = _PerCall()

    hides_arguments = False
    """Whether logs, Flower and ``inspect`` are not to see what a job was called with."""

    repeats = False
    """Whether a job that succeeded may run again when somebody asks for it."""

    def apply_async(
        self,
        args: Any = None,
        kwargs: Any = None,
        *,
        max_retries: int | None = None,
        callback_url: str | None = None,
        headers: dict[str, Any] | None = None,
        **options: Any,
    ) -> JobResult:
        """Record the job and queue its message in one step; every option of Celery's holds.

        ``max_retries`` is the most attempts this job gets; ``tags=["a", "b"]`` are names under
        which it is found, 8 at most; ``callback_url`` is told when it is final. Raises
        ``DuplicateJob`` when ``task_id`` is taken, ``InvalidField`` and ``StoreUnavailable``
        (Redis takes nothing).
        """
        if headers is None and self._can_use_template(options):
            message = self.message(
                args, kwargs, max_retries=max_retries, callback_url=callback_url, **options
            )
            self.app.enqueue(message)
            plain: JobResult = self.AsyncResult(message.id)
            return plain
        attempts = self.get_max_attempts() if max_retries is None else max_retries
        headers = {MAX_ATTEMPTS_HEADER: check_max_retries(attempts), **(headers or {})}
        if callback_url is not None:
            headers[CALLBACK_HEADER] = self._build_callback(callback_url)
        result: JobResult = super().apply_async(args, kwargs, headers=headers, **options)
        return result

    async def aapply_async(self, **options: Any) -> TaskRecord:
        """Do what ``apply_async`` does without blocking the event loop; the record made."""
        record: TaskRecord = await self.app.aenqueue(self.message(**options))
        return record

    def message(self, args: Any = None, kwargs: Any = None, **options: Any) -> Message:
        """The message that ``apply_async`` would send."""
        if not self._can_use_template(options):
            return self.build(args, kwargs, **options)
        if self.typing:
            self.__header__(*(args or ()), **(kwargs or {}))
        attempts, countdown = options.get("max_retries"), options.get("countdown")
        message = self._template.fill(
            args,
            kwargs,
            job_id=options.get("task_id") or str(uuid4()),
            max_retries=self.get_max_attempts()
            if attempts is None
            else check_max_retries(attempts),
            due=None if countdown is None else time() + countdown,
            tags=options.get("tags") or (),
        )
        url = options.get("callback_url")
        return message if url is None else message._replace(callback=self._build_callback(url))

    def build(self, args: Any = None, kwargs: Any = None, **options: Any) -> Message:
        """The message as Celery itself makes it, with all that it knows."""
        envelope = CapturingProducer()
        self.apply_async(args, kwargs, producer=envelope, **options)
        return envelope.message

    @property
    def options(self) -> dict[str, Any]:
        """What the task itself says about its messages: queue, priority, time limits."""
        options: dict[str, Any] = self._get_exec_options()
        return options

    @cached_property
    def _template(self) -> MessageTemplate:
        return MessageTemplate(self)

    def _can_use_template(self, options: dict[str, Any]) -> bool:
        """Whether the call asks for nothing that only Celery's own way of building knows."""
        return (
            TEMPLATE_OPTIONS.issuperset(options)
            and self.app.has_uniform_messages
            and not self.expires
            and not self.app.current_worker_task
            and not signals.before_task_publish.receivers
            and not signals.after_task_publish.receivers
        )

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        """Begin the attempt, or drop a message that is out of date."""
        if self.request.is_eager:
            return
        WORKER_PROCESS.listen()
        try:
            answer = self._begin(self.request)
        except Exception as problem:  # a time limit, or Redis: nothing has begun, so nothing fails
            raise Reject(str(problem), requeue=True) from problem
        if answer is not StartResult.STARTED:
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
        """Give the job another attempt, or raise ``exc`` when it has had all of them."""
        request = self.request
        if request.called_directly or request.is_eager:
            return super().retry(args, kwargs, exc, throw, eta, countdown, max_retries, **options)
        attempt = request.retries + 1
        if attempt >= self._compute_limit(request, max_retries):
            raise exc or MaxRetriesExceededError(f"{self.name}[{request.id}]: {attempt} attempts")
        self._flush_progress(request)
        delay = self._compute_delay(attempt, eta, countdown)
        message = self._copy_message(request, args=args, kwargs=kwargs, retries=attempt, **options)
        error, reason = format_traceback(exc), exc or Retry("the job asked for another attempt")
        move = attempt_commands.retry(
            request.id,
            token=self.app.attempt_token(request),
            error=error,
            delay=delay,
            message=message,
            cause=build_cause(type(reason).__name__, str(reason), error),
        )
        if self.app.store.run(move) is Verdict.REFUSED:
            log.warning("job %s: retry refused, this attempt no longer owns it", request.id)
            raise Ignore
        retry = Retry(exc=exc, when=delay)
        if throw:
            raise retry
        return retry

    def postpone(self, seconds: float) -> NoReturn:
        """End this attempt here, uncounted; the job goes on after so many seconds.

        For one that has to wait, or has run long enough while others wait. It begins
        anew then: what it has done so far it must find by itself.
        """
        request = self.request
        self._flush_progress(request)
        message = self._copy_message(request, retries=request.retries)
        token = self.app.attempt_token(request)
        move = attempt_commands.postpone(request.id, token=token, delay=seconds, message=message)
        if self.app.store.run(move) is Verdict.REFUSED:
            log.warning("job %s: not postponed, this attempt no longer owns it", request.id)
        raise Ignore

    def is_cancelled(self) -> bool:
        """Whether somebody wants this running job stopped; asks Redis."""
        asked: bool = self.app.store.run(attempt_commands.is_cancel_requested(self.request.id))
        return asked

    def checkpoint(self) -> None:
        """A place where the job may be stopped: raises ``Cancelled`` when that is wanted."""
        if self.is_cancelled():
            raise Cancelled

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the job; when it was stopped its record becomes cancelled."""
        if not self.app.traces or self.request.called_directly:
            return self._run(*args, **kwargs)
        with trace_attempt(self):
            return self._run(*args, **kwargs)

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except Cancelled:
            token = self.app.attempt_token(self.request)
            self.app.store.run(attempt_commands.end_cancelled(self.request.id, token=token))
            raise
        finally:
            self._flush_progress(self.request)

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Say how far the job is, as often as it likes: four times a second it is passed on.

        It is on the record and among the events. Raises ``InvalidField`` for what is no number.
        """
        request, word = self.request, build_progress(done, total, note)
        if request.called_directly or request.is_eager:
            return
        if not hasattr(request, PROGRESS_REPORTER):
            setattr(
                request, PROGRESS_REPORTER, ProgressReporter(partial(self._store_progress, request))
            )
        getattr(request, PROGRESS_REPORTER).report(word)

    def _flush_progress(self, request: Context) -> None:
        if teller := getattr(request, PROGRESS_REPORTER, None):
            teller.flush()

    def _store_progress(self, request: Context, word: Progress) -> None:
        """Put a progress on the record, if this attempt still owns it and Redis takes it."""
        token = self.app.attempt_token(request)
        with suppress(StoreUnavailable):
            self.app.store.run(attempt_commands.progress(request.id, token=token, value=word))

    @contextmanager
    def once(self, key: str) -> Iterator[bool]:
        """Do something at most once for this job, over all its attempts.

        ::

            with self.once("charge") as first:
                if first:
                    charge(card)

        An exception in the block lets a later attempt try again. When the worker
        dies or is told to stop inside it, or the time is up, nobody knows whether it
        was done: it is not done again.
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

    @property
    def attempts_left(self) -> int:
        """How many more attempts the job may get after the one that runs."""
        left: int = self._compute_limit(self.request, None) - self.request.retries - 1
        return max(left, 0)

    def get_max_attempts(self) -> int:
        """How many attempts a call gets that does not say."""
        return UNLIMITED_ATTEMPTS if self.max_retries is None else self.max_retries + 1

    def _build_callback(self, url: str) -> Message:
        """The message of a delivery. Raises ``InvalidField``."""
        message: Message = self.app.callback_job.message(
            kwargs={"url": url}, task_id=message_commands.ID_PLACEHOLDER
        )
        return message

    def _compute_limit(self, request: Context, max_retries: int | None) -> int:
        if max_retries is not None:
            return max_retries + 1
        return int((request.headers or {}).get(MAX_ATTEMPTS_HEADER, self.get_max_attempts()))

    def _compute_delay(self, attempt: int, eta: datetime | None, countdown: float | None) -> float:
        if eta is not None:
            wait: timedelta = eta - self.app.now()
            return max(wait.total_seconds(), 0.0)
        return compute_backoff(attempt) if countdown is None else countdown

    def _begin(self, request: Context) -> StartResult:
        if CURRENT_ATTEMPT.begins(request.id):
            return StartResult.STARTED
        attempt = {
            "retries": request.retries,
            "token": self.app.attempt_token(request),
            "rerun_id": rerun_id_of(request),
        }
        answer: StartResult = self.app.store.run(attempt_commands.start(request.id, **attempt))
        if answer is StartResult.UNKNOWN:
            self.app.store.run(jobs.register(self._copy_message(request), retries=request.retries))
            answer = self.app.store.run(attempt_commands.start(request.id, **attempt))
        if answer is StartResult.BUSY:
            self.app.store.run(
                attempt_commands.park(self._copy_message(request), retries=request.retries)
            )
        return answer

    def _copy_message(self, request: Context, **changes: Any) -> Message:
        """The message of an attempt, or with ``changes`` of another."""
        envelope = CapturingProducer()
        signature = self.signature_from_request(request, **changes)
        options = {**signature.options, "producer": envelope, "add_to_parent": False}
        if "retries" in changes:
            options.pop("expires", None)  # it was to start in time, and did
        self.app.send_task(self.name, signature.args, signature.kwargs, task_type=self, **options)
        return envelope.message


def format_traceback(exc: BaseException | None) -> str:
    """The traceback of ``exc``, its last part when it is long."""
    if exc is None:
        return ""
    return "".join(traceback.format_exception(exc))[-MAX_ERROR_CHARACTERS:]

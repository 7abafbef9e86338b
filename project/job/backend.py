"""The Celery result backend: a view on the record store, with no data of its own.

``AsyncResult(id)`` and ``GET /…/{id}`` read the same hash, so they always agree. Celery's meta of
a task is built from the record on each read. Storing a result runs the script ``attempts/succeed``
or ``attempts/fail``. Chords and groups keep the keys of Celery's own Redis backend.
"""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from celery import Task, signals, states
from celery.app.task import Context
from celery.backends.redis import RedisBackend
from celery.exceptions import NotRegistered, TaskRevokedError
from celery.utils.log import get_logger
from kombu.exceptions import EncodeError

from project.job.canvas.chord_parts import PART_RETURN_LUA, PartReturn
from project.job.canvas.embedded import encode_canvas
from project.job.canvas.errbacks import rename_duplicates
from project.job.canvas.unsent import BODIES, build_unsent_message, list_members, name_bodies
from project.job.copies import copy_result
from project.job.meta import build_meta, describe_failure, describe_request
from project.job.result_consumer import RecordConsumer
from project.job.running.causes import MAX_ERROR_CHARACTERS, describe_cause, join_words
from project.job.running.current_attempt import claimed_attempt
from project.job.running.own_state import describe_progress, encode_state
from project.messages.builder import RERUN_HEADER
from project.messages.encoding import encode, replace_surrogates
from project.records.record import CELERY_STATE, TaskStatus
from project.store.commands import attempts, jobs, queries
from project.store.commands.attempts import Verdict
from project.store.commands.command import new_call_id

log = get_logger(__name__)

RECORDED_STATES = frozenset(
    {
        *(states.PENDING, states.RECEIVED, states.STARTED, states.RETRY),
        *(states.REJECTED, states.IGNORED),
    }
)
"""States that the record has without Celery's storing them."""

FINAL_FAILURES = {states.FAILURE: TaskStatus.FAILED, states.REVOKED: TaskStatus.CANCELLED}


class RecordBackend(RedisBackend):
    """The value of ``result_backend``: ``project.job.backend.RecordBackend+redis://…``."""

    ResultConsumer = RecordConsumer

    def on_task_call(self, producer: Any, task_id: str) -> None:
        """Do nothing: a subscription is made when a caller waits, not at every call."""

    def mark_as_done(
        self,
        task_id: str,
        result: Any,
        request: Any = None,
        store_result: bool = True,
        state: str = states.SUCCESS,
    ) -> None:
        """End the job as successful, also when it ignores its result.

        A call that runs in its caller (``Task.apply``) has no record.
        """
        if request and request.is_eager:
            super().mark_as_done(task_id, result, request, store_result, state)
            return
        self.store_result(task_id, result if store_result else None, state, request=request)
        if request and request.chord:
            self.on_chord_part_return(request, state, result)
            self.app.store.run(attempts.settle(task_id))

    def mark_as_failure(
        self, task_id: str, exc: Any, traceback: Any = None, request: Any = None, **options: Any
    ) -> None:
        """End a job as failed, and what follows in its canvas."""
        super().mark_as_failure(task_id, exc, traceback, request, **options)
        has_canvas = request and any(
            getattr(request, part, None) for part in ("chord", "chain", "errbacks")
        )  # Celery's request of an unknown kind does not have all of them
        if has_canvas:
            self.app.store.run(attempts.settle(task_id))

    def mark_as_revoked(
        self,
        task_id: str,
        reason: str = "",
        request: Any = None,
        store_result: bool = True,
        state: str = states.REVOKED,
    ) -> None:
        """End a job that was revoked or has expired, and fail what follows in its canvas."""
        super().mark_as_revoked(task_id, reason, None, store_result, state)
        if request:
            self.fail_canvas(request, TaskRevokedError(reason), state)

    def fail_canvas(
        self, request: Any, problem: Any, state: str, traceback: str | None = None
    ) -> None:
        """Fail the chord and the chain that a job is part of, and call its errbacks."""
        if request.chord:
            self.on_chord_part_return(request, state, problem)
        self._fail_chain(request.chain, problem, traceback)
        if request.errbacks:
            self._call_task_errbacks(request, problem, traceback)

    def _fail_chain(self, chain: Any, exc: Any, traceback: Any = None, **options: Any) -> None:
        """Fail the rest of a chain, also the members of groups, chains and chords in it."""
        links = list(chain or ())
        super()._fail_chain(links, exc, traceback, **options)
        for link in links:
            if members := list_members(link):
                self._fail_chain(members, exc, traceback, **options)

    def _call_task_errbacks(self, request: Any, exc: Any, traceback: Any) -> None:
        with rename_duplicates():
            super()._call_task_errbacks(request, exc, traceback)

    def get(self, key: str | bytes) -> Any:
        """The meta of a task, built from its record; any other key from Redis."""
        job_id = self._job_id(key)
        if job_id is None:
            return super().get(key)
        outcome = self.app.store.run(queries.read_outcome(job_id, extended=self.is_extended))
        return outcome and self.encode(build_meta(outcome))

    @cached_property
    def is_extended(self) -> bool:
        """Whether results have the name, arguments and worker of their job."""
        return bool(self.app.conf.result_extended)

    def mget(self, keys: Iterable[str | bytes]) -> list[Any]:
        """``get`` for several keys."""
        return [self.get(key) for key in keys]

    def _store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: str | None = None,
        request: Any = None,
        **_: Any,
    ) -> Any:
        if state == states.SUCCESS:
            self._succeed(task_id, result, request)
        elif state in FINAL_FAILURES:
            self._fail(task_id, result, FINAL_FAILURES[state], traceback, request)
        elif state not in RECORDED_STATES:
            self._set_own_state(task_id, state, result, request)
        copy_result(
            self.app.tasks.get(getattr(request, "task", None)),
            *(task_id, result, state, traceback, request),
        )
        return result

    def _set_own_state(self, task_id: str, state: str, meta: Any, request: Any) -> None:
        """Keep a state of the job's own choice, and show it as its progress."""
        is_own = has_attempt(request) and request.id == task_id
        command = attempts.set_state(
            task_id,
            token=self.app.attempt_token(request) if is_own else "",
            state=encode_state(state, meta),
            progress=describe_progress(state, meta) if is_own else None,
            result_message=self._encode_news(task_id, state, meta, request),
        )
        self._warn_if_refused(self.app.store.run(command), task_id, state)

    def _encode_news(
        self, task_id: str, state: str, result: Any, request: Any, traceback: str | None = None
    ) -> str:
        """What those who wait for a result get, as Celery's backend publishes it."""
        meta = {
            "task_id": task_id,
            "status": state,
            "result": result,
            "traceback": traceback,
            "children": self.current_task_children(request),
            "date_done": datetime.now(UTC).isoformat() if state in states.READY_STATES else None,
        }
        if group := getattr(request, "group", None):
            meta["group_id"] = group
        if parent := getattr(request, "parent_id", None):
            meta["parent_id"] = parent
        if self.is_extended and request:
            meta |= describe_request(request)
        return encode(meta)

    def _succeed(self, task_id: str, result: Any, request: Any) -> None:
        token = self.app.attempt_token(request)
        if not has_attempt(request):
            token = self._begin_outside(task_id)
        command = attempts.succeed(
            task_id,
            token=token,
            result=encode_result(result),
            children=self._encode_children(request),
            result_message=self._encode_news(task_id, states.SUCCESS, result, request),
            is_part=bool(request and request.chord),
        )
        attempt = claimed_attempt(request)
        if attempt and not request.chord and not is_observed(self.app.tasks.get(request.task)):
            attempt.success = command  # stored together with the next claim
        else:
            self._warn_if_refused(self.app.store.run(command), task_id, "success")

    def _fail(
        self,
        task_id: str,
        exception: Any,
        status: TaskStatus,
        traceback: str | None,
        request: Any,
    ) -> None:
        exception = replace_surrogates(describe_failure(exception))
        traceback = traceback and replace_surrogates(traceback)
        has_started = has_attempt(request) and not is_unknown(exception)
        state = CELERY_STATE[status]
        fail = partial(
            attempts.fail,
            task_id,
            status=TaskStatus.FAILED if is_expired(exception) else status,
            error=format_error(exception, traceback),
            exception=self.encode(exception),
            result_message=self._encode_news(task_id, state, exception, request, traceback),
            children=self._encode_children(request),
            canvas=encode_canvas(request) if has_attempt(request) else "",
            **describe_cause(exception, traceback, str(getattr(request, "task", "") or "")),
        )
        if not has_started or status is TaskStatus.CANCELLED:
            token = ""
        else:
            token = self.app.attempt_token(request)
        rerun_id = rerun_id_of(request) if is_expired(exception) else None
        verdict = self.app.store.run(fail(token=token, rerun_id=rerun_id))
        follows_failure = not has_attempt(request)
        if follows_failure and is_canvas(request):
            return
        if verdict is Verdict.REFUSED and self._register(
            task_id, request, is_unsent=follows_failure
        ):
            verdict = self.app.store.run(fail(token=""))
        self._warn_if_refused(verdict, task_id, status.value)

    def _encode_children(self, request: Any) -> str:
        children = self.current_task_children(request)
        return encode(children) if children else ""

    def _begin_outside(self, task_id: str) -> str:
        """Begin an attempt for a result that no worker stores; its token."""
        token = f"outside#{new_call_id()}"
        self._register(task_id, None)
        record = self.app.store.run(queries.read_record(task_id))
        retries = record.attempts if record else 0
        self.app.store.run(attempts.start(task_id, retries=retries, token=token))
        return token

    @cached_property
    def _chord_part_return_script(self) -> Any:
        return PartReturn(self.client.register_script(PART_RETURN_LUA))

    def chord_error_from_stack(self, callback: Any, exc: Any = None) -> Any:
        """Fail the body of a chord; its record has the kind and the arguments of the body.

        A body that is itself a part of another chord fails that one, too.
        """
        exc = exc or sys.exception()
        with name_bodies(callback):
            error = super().chord_error_from_stack(callback, exc)
        for body in (callback, *getattr(callback, "tasks", ())):
            if body.options.get("chord") and body.id:
                part = Context(
                    id=body.id,
                    chord=body.options["chord"],
                    group=body.options.get("group_id"),
                    group_index=body.options.get("group_index"),
                )
                self.on_chord_part_return(part, states.FAILURE, exc)
        return error

    def _register(self, task_id: str, request: Any, *, is_unsent: bool = False) -> bool:
        """Create the record of a job that has none; ``is_unsent``: it is never sent."""
        about = request or BODIES.get().get(task_id)
        message = build_unsent_message(task_id, about, self.encode)
        command = jobs.register(message, retries=0, is_unsent=is_unsent)
        made: bool = self.app.store.run(command)
        return made

    def _warn_if_refused(self, verdict: Verdict, task_id: str, status: str) -> None:
        if verdict is Verdict.REFUSED:
            log.warning("job %s: %s refused, this attempt no longer owns it", task_id, status)

    def _job_id(self, key: str | bytes) -> str | None:
        text = key.decode() if isinstance(key, bytes) else key
        prefix = self.task_keyprefix.decode()
        return text.removeprefix(prefix) if text.startswith(prefix) else None

    def _forget(self, task_id: str) -> None:
        """Delete the record of a job that has ended; one that has not stays as it is."""
        self.app.store.run(jobs.forget(task_id))


def is_observed(task: Any) -> bool:
    """Whether code that runs when the job has succeeded may read its record."""
    return (
        type(task).on_success is not Task.on_success
        or type(task).after_return is not Task.after_return
        or bool(signals.task_success.receivers or signals.task_postrun.receivers)
    )


def has_attempt(request: Any) -> bool:
    """Whether a request is that of an attempt: a worker runs it."""
    return bool(getattr(request, "delivery", None))


def is_canvas(request: Any) -> bool:
    """Whether a request stands for a group, chain or chord, which is no job."""
    return getattr(request, "subtask_type", None) in ("group", "chain", "chord")


def encode_result(result: Any) -> str:
    """Encode a result as JSON. Raises ``EncodeError``, which fails the job."""
    try:
        return encode(result)
    except EncodeError as problem:
        raise EncodeError(f"the result is {problem}") from problem


def is_unknown(exception: dict[str, Any]) -> bool:
    """Whether the error says that no task is registered for the kind of the job."""
    return bool(exception.get("exc_type") == NotRegistered.__name__)


def rerun_id_of(request: Any) -> str:
    """The rerun that the message of a request belongs to; "" before the first rerun."""
    headers = getattr(request, "headers", None) or {}
    return headers.get(RERUN_HEADER) or ""


def is_expired(exception: dict[str, Any]) -> bool:
    """Whether the error says that the job did not start before its ``expires``."""
    kind, message = exception.get("exc_type"), exception.get("exc_message")
    return kind == TaskRevokedError.__name__ and join_words(message) == "expired"


def format_error(exception: dict[str, Any], traceback: str | None) -> str:
    """The end of the traceback; without one, the class and message of the exception."""
    message = join_words(exception.get("exc_message"))
    if is_unknown(exception):
        return f"No handler registered for task kind {message!r}"
    return (traceback or f"{exception.get('exc_type')}: {message}")[-MAX_ERROR_CHARACTERS:]

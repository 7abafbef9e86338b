"""Commands of an attempt: start, progress and end; and those that stop one."""

from enum import StrEnum
from math import isfinite
from typing import NamedTuple

import msgspec

from project.errors import InvalidField
from project.records.cause import Filing
from project.records.record import Cause, Progress, TaskStatus
from project.store.commands.command import Command, encode_json, new_call_id
from project.store.commands.message import Message

NO_CAUSE = Cause(kind="", message="", traceback="")


class Verdict(StrEnum):
    """The result of a command that only the running attempt may give."""

    APPLIED = "applied"
    REPEATED = "repeated"
    """The same attempt had done this before; an answer was lost."""
    REFUSED = "refused"
    """Another attempt has the job."""
    EXHAUSTED = "exhausted"
    """The job has waited for its host so long that its attempts count."""


class HostHold(NamedTuple):
    """A host that asks for a pause, and the kinds of jobs that wait for it."""

    host: str
    kinds: tuple[str, ...]


class CancelResult(StrEnum):
    """The result of a request to stop a job."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"
    FINAL = "final"
    UNKNOWN = "unknown"


class StartResult(StrEnum):
    """Whether an attempt has begun."""

    STARTED = "started"
    STARTED_AGAIN = "started again"
    """An attempt of the job was interrupted before."""
    REFUSED = "refused"
    BUSY = "busy"
    UNKNOWN = "unknown"
    LIMITED = "limited"
    """A limit holds the message back, which waits in Redis again."""
    ENDED = "ended"
    """A script ended the job, and what follows in its canvas is left to do."""

    @property
    def has_begun(self) -> bool:
        """Whether the job may run now."""
        return self in (StartResult.STARTED, StartResult.STARTED_AGAIN)


class RequeueResult(StrEnum):
    """Where a message is that a worker gave back; ``poison``: its job has failed by that."""

    RETURNED = "returned"
    DROPPED = "dropped"
    POISON = "poison"


class FailArguments(msgspec.Struct, omit_defaults=True):
    """The attempt that fails; ``rerun_id`` is that of its message, None when it does not matter."""

    id: str
    token: str
    status: str
    rerun_id: str | None = None
    children: str = ""
    canvas: str = ""
    fingerprint: str = ""


class RetryArguments(msgspec.Struct):
    """The attempt that failed, and when and where the next message goes; ``delay`` in seconds."""

    id: str
    token: str
    delay: float
    queue: str
    list: str
    max_retries: int
    exception: str = ""


def start(
    job_id: str, *, retries: int, token: str, rerun_id: str = "", is_early: bool = False
) -> Command[StartResult]:
    """Begin an attempt, unless its message is out of date or its job unknown.

    ``is_early``: the message was acknowledged before, so an interrupted job fails.
    """
    arguments = (job_id, retries, token, rerun_id, int(is_early))
    return Command("attempts/start", arguments, parse_start_result)


def park(message: Message, *, retries: int) -> Command[None]:
    """Keep the message of an attempt that cannot start now, until it may."""
    return Command(
        "attempts/park", (message.id, retries, message.queue, message.text), lambda _: None
    )


def interrupt(job_id: str, *, token: str, cause: str = "") -> Command[RequeueResult]:
    """Take back a running attempt; ``cause`` says what killed it, "" that it was stopped."""
    return Command(
        "attempts/interrupt", (job_id, token, cause), lambda answer: RequeueResult(answer.decode())
    )


def succeed(
    job_id: str,
    *,
    token: str,
    result: str,
    result_message: str,
    children: str = "",
    is_part: bool = False,
) -> Command[Verdict]:
    """End an attempt that succeeded.

    ``result`` is JSON; ``result_message`` is what Celery publishes for those who wait. ``is_part``:
    its chord is still to be told, which ``settle`` notes.
    """
    arguments = (job_id, token, result, children, result_message, int(is_part))
    return Command("attempts/succeed", arguments, parse_verdict)


def retry(
    job_id: str,
    *,
    token: str,
    error: str,
    delay: float,
    message: Message,
    cause: Cause = NO_CAUSE,
    exception: str = "",
) -> Command[Verdict]:
    """End an attempt that failed; the next one, the ``message``, waits ``delay`` seconds.

    ``exception`` is Celery's JSON of the error, the result until the next attempt ends.
    """
    if not isfinite(delay):
        raise InvalidField("countdown", f"{delay} is no time")
    attempt = RetryArguments(
        job_id, token, delay, message.queue_name, message.queue, message.max_retries, exception
    )
    arguments = (encode_json(attempt), error, message.text, encode_json(cause))
    return Command("attempts/retry", arguments, parse_verdict)


def postpone(
    job_id: str,
    *,
    token: str,
    delay: float,
    message: Message,
    slows_lane: bool = False,
    host: HostHold | None = None,
) -> Command[Verdict]:
    """End an attempt uncounted; its job runs again after ``delay`` seconds.

    ``slows_lane``: no job of its lane starts before that. ``host``: no job that calls it does.
    """
    held = encode_json(host._asdict()) if host else ""
    arguments = (job_id, token, delay, message.queue, message.text, int(slows_lane), held)
    return Command("attempts/postpone", arguments, parse_verdict)


def fail(  # noqa: PLR0913 - each is a part of the record
    job_id: str,
    *,
    token: str,
    status: TaskStatus,
    error: str,
    exception: str,
    result_message: str,
    cause: Cause = NO_CAUSE,
    rerun_id: str | None = None,
    children: str = "",
    canvas: str = "",
    filing: Filing | None = None,
) -> Command[Verdict]:
    """End a job without success. An empty ``token`` is for a job that never started.

    ``canvas``: what follows the job, as JSON, for a rerun.
    ``filing``: under which cause a failure is filed.
    With the ``rerun_id`` of its message, a job that was rerun since stays as it is.
    """
    fingerprint = filing.fingerprint if filing else ""
    attempt = FailArguments(job_id, token, status.value, rerun_id, children, canvas, fingerprint)
    about = encode_json(cause), encode_json(filing)
    arguments = (encode_json(attempt), error, exception, result_message, *about)
    return Command("attempts/fail", arguments, parse_verdict)


def cancel(job_id: str, *, reason: str = "") -> Command[CancelResult]:
    """Stop a job: at once when it waits, through its worker when it runs.

    ``reason`` is the error of the record of a job that waits; "" is ``cancelled``.
    """
    arguments = (job_id, reason)
    return Command("attempts/cancel", arguments, lambda answer: CancelResult(answer.decode()))


def list_cancel_requests(worker: str) -> Command[dict[str, str]]:
    """The ids of the jobs that a worker is asked to stop, each with the token of its attempt."""

    def parse(answer: list[bytes]) -> dict[str, str]:
        ids, tokens = answer[::2], answer[1::2]
        return {job.decode(): token.decode() for job, token in zip(ids, tokens, strict=True)}

    return Command("attempts/list_cancel_requests", (worker,), parse)


def settle(job_id: str, *, canvas: str = "") -> Command[bool]:
    """Note that what follows a job that a script ended has been done; ``canvas`` is for a rerun."""
    return Command("attempts/settle", (job_id, canvas), bool)


def is_cancel_requested(job_id: str) -> Command[bool]:
    """Whether a running job is to be stopped."""
    return Command("attempts/is_cancel_requested", (job_id,), bool)


def end_cancelled(job_id: str, *, token: str) -> Command[Verdict]:
    """End an attempt that was asked to stop."""
    return Command("attempts/end_cancelled", (job_id, token), parse_verdict)


def progress(job_id: str, *, token: str, value: Progress) -> Command[Verdict]:
    """Store how far a running attempt is."""
    return Command("attempts/progress", (job_id, token, encode_json(value)), parse_verdict)


def set_state(
    job_id: str, *, token: str, state: str, result_message: str, progress: Progress | None = None
) -> Command[Verdict]:
    """Store a state that a running job chose itself; with "" as token, of any unfinished job.

    ``state`` is JSON with the members ``state``, ``meta`` and ``is_last``.
    """
    told = encode_json(progress) if progress else ""
    return Command(
        "attempts/set_state", (job_id, token, state, told, result_message), parse_verdict
    )


def claim(job_id: str, *, token: str, key: str) -> Command[bool]:
    """Claim something that a job does once. False: it was claimed before."""
    return Command("attempts/claim", (job_id, token, key, new_call_id()), bool)


def unclaim(job_id: str, *, token: str, key: str) -> Command[bool]:
    """Release a claim, so that another attempt may do it."""
    return Command("attempts/unclaim", (job_id, token, key), bool)


def parse_start_result(answer: bytes) -> StartResult:
    """The answer of ``start``."""
    return StartResult(answer.decode())


def parse_verdict(answer: bytes) -> Verdict:
    """The answer of a command that only the running attempt may give."""
    return Verdict(answer.decode())

"""What a worker tells of an attempt, and what stops one."""

from collections.abc import Sequence
from enum import StrEnum
from math import isfinite

import msgspec

from project.errors import InvalidField
from project.records.record import Cause, Progress, TaskStatus
from project.store.commands.command import Command
from project.store.commands.jobs import new_call_id
from project.store.commands.message import Message

NO_CAUSE = Cause(kind="", message="", traceback="")


class Verdict(StrEnum):
    """What became of a move that an attempt asked for."""

    GO = "go"
    AGAIN = "again"
    REFUSED = "refused"


class CancelResult(StrEnum):
    """What became of the wish to stop a job."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"
    FINAL = "final"
    UNKNOWN = "unknown"


class StartResult(StrEnum):
    """What became of an attempt that wanted to begin."""

    STARTED = "started"
    REFUSED = "refused"
    BUSY = "busy"
    UNKNOWN = "unknown"


class RequeueResult(StrEnum):
    """What became of a message that was given back."""

    RETURNED = "returned"
    DROPPED = "dropped"
    POISON = "poison"


def start(job_id: str, *, retries: int, token: str, revival: str = "") -> Command[StartResult]:
    """An attempt begins, unless its message is out of date or its job unknown."""
    return Command("attempts/start", (job_id, retries, token, revival), parse_start_result)


def register(message: Message, *, retries: int) -> Command[bool]:
    """Make a record for a job that a plain Celery client sent. False: there is one."""
    about = (message.label.to_text(), message.max_retries, message.payload, retries)
    return Command("jobs/register", (message.id, *about), bool)


def park(message: Message, *, retries: int) -> Command[None]:
    """Keep the message of an attempt that cannot start now, until it may."""
    return Command(
        "attempts/park", (message.id, retries, message.queue, message.text), lambda _: None
    )


def interrupt(job_id: str, *, token: str, cause: str = "") -> Command[RequeueResult]:
    """Take a running attempt back; with a ``cause``, what killed it."""
    return Command(
        "attempts/interrupt", (job_id, token, cause), lambda fate: RequeueResult(fate.decode())
    )


def succeed(
    job_id: str, *, token: str, result: str, news: str, children: str = ""
) -> Command[Verdict]:
    """The attempt worked; ``result`` is JSON."""
    return Command("attempts/succeed", (job_id, token, result, children, news), parse_verdict)


def advance(
    success: Command[Verdict],
    *,
    worker: str,
    done: str,
    serial: str,
    lists: Sequence[str],
    kinds: str,
) -> Command[tuple[Verdict, bytes | None]]:
    """Do ``success``, and begin the next job of these kinds as ``serial``: its message, if any.

    ``done``: the serial that is ended, "" when that is the main process's. Without ``lists``
    nothing is taken. ``kinds`` are names between newlines.
    """

    def parse(answer: list[bytes]) -> tuple[Verdict, bytes | None]:
        return parse_verdict(answer[0]), answer[1] if len(answer) > 1 else None

    arguments = (*success.arguments, worker, done, serial, kinds, *lists)
    return Command("attempts/advance", arguments, parse)


def retry(
    job_id: str, *, token: str, error: str, delay: float, message: Message, cause: Cause = NO_CAUSE
) -> Command[Verdict]:
    """The attempt failed; the next one waits ``delay`` seconds."""
    if not isfinite(delay):
        raise InvalidField("countdown", f"{delay} is no time")
    next_one = (message.label.kind_queue, message.queue, message.text)
    about = msgspec.json.encode(cause)
    return Command("attempts/retry", (job_id, token, error, delay, *next_one, about), parse_verdict)


def postpone(job_id: str, *, token: str, delay: float, message: Message) -> Command[Verdict]:
    """The attempt ends uncounted; its job goes on after ``delay`` seconds."""
    return Command(
        "attempts/postpone", (job_id, token, delay, message.queue, message.text), parse_verdict
    )


def hurry(job_id: str) -> Command[bool]:
    """A job that waits for its time is due now. False: it does not wait."""
    return Command("jobs/hurry", (job_id,), bool)


def fail(
    job_id: str,
    *,
    token: str,
    status: TaskStatus,
    error: str,
    exception: str,
    news: str,
    cause: Cause = NO_CAUSE,
    revival: str | None = None,
) -> Command[Verdict]:
    """There is no further attempt. An empty ``token`` is for a job that never started.

    With a ``revival``, that of its message, one that was revived since stays as it is.
    """
    about = msgspec.json.encode(cause)
    message = () if revival is None else (revival,)
    arguments = (job_id, token, status.value, error, exception, news, about, *message)
    return Command("attempts/fail", arguments, parse_verdict)


def cancel(job_id: str) -> Command[CancelResult]:
    """Stop a job: at once when it waits, through its worker when it runs."""
    return Command("attempts/cancel", (job_id,), lambda answer: CancelResult(answer.decode()))


def list_cancel_requests(worker: str) -> Command[dict[str, str]]:
    """The jobs that a worker is asked to stop, each with the token of its attempt."""

    def parse(answer: list[bytes]) -> dict[str, str]:
        ids, tokens = answer[::2], answer[1::2]
        return {job.decode(): token.decode() for job, token in zip(ids, tokens, strict=True)}

    return Command("attempts/cancelling", (worker,), parse)


def is_cancel_requested(job_id: str) -> Command[bool]:
    """Whether somebody wants a running job stopped."""
    return Command("attempts/is_cancelling", (job_id,), bool)


def end_cancelled(job_id: str, *, token: str) -> Command[Verdict]:
    """The attempt ends because it was asked to."""
    return Command("attempts/cancelled", (job_id, token), parse_verdict)


def progress(job_id: str, *, token: str, made: Progress) -> Command[Verdict]:
    """A running attempt says how far it is."""
    return Command("attempts/progress", (job_id, token, msgspec.json.encode(made)), parse_verdict)


def claim(job_id: str, *, token: str, key: str) -> Command[bool]:
    """Begin what must be done once. False: it was begun before."""
    return Command("attempts/claim", (job_id, token, key, new_call_id()), bool)


def unclaim(job_id: str, *, token: str, key: str) -> Command[bool]:
    """It was not done after all."""
    return Command("attempts/unclaim", (job_id, token, key), bool)


def parse_start_result(answer: bytes) -> StartResult:
    """The answer of an attempt that wanted to begin."""
    return StartResult(answer.decode())


def parse_verdict(answer: bytes) -> Verdict:
    """The answer of a guarded move."""
    return Verdict(answer.decode())

"""Commands that make jobs: enqueue, enqueue once, register, and run again."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from project.errors import DuplicateJob
from project.records.record import TaskRecord
from project.records.unique import UniqueKey
from project.store.commands.attempts import Verdict, parse_verdict
from project.store.commands.command import Argument, Command, encode_json, new_call_id
from project.store.commands.message import (
    JobArguments,
    Message,
    build_first_record,
    build_job_arguments,
)

HELD_MARK = "held:"
"""Before the id of the job that has the unique key of another."""


class IdempotentOrder(NamedTuple):
    """An order under an idempotency key: ``text`` is the whole order, kept for ``seconds``."""

    key: str
    text: str
    seconds: int


class EnqueueResult(NamedTuple):
    """The result of an order that may have been made before.

    ``made``: the job is new; here is its ``record``. ``replayed``: the idempotency key is known;
    here are the record of then and the ``order`` of then. ``held``: another job, ``holder``, has
    the unique key.
    """

    how: Literal["made", "replayed", "held"]
    record: TaskRecord | None = None
    order: str = ""
    holder: str = ""


class BulkResult(NamedTuple):
    """The result of an order of many jobs that may have been made before.

    ``outcomes``: the record of each job as it was made, or why there is none; empty when the order
    of then has another number of jobs. ``order`` is the order of then.
    """

    outcomes: list[TaskRecord | DuplicateJob]
    is_replayed: bool = False
    order: str = ""


class UniqueJobArguments(JobArguments, omit_defaults=True, kw_only=True):
    """A job with the conditions under which it is enqueued."""

    idempotency_key: str = ""
    idempotency_seconds: int = 0


class RerunArguments(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A job that is to run again, and how it is known."""

    id: str
    list: str
    max_retries: int
    attempts: int
    rerun_id: str
    due: float | None = None
    delay: float | None = None
    callback: str = ""
    repeats: bool = False
    keeps_steps: bool = False


def enqueue(message: Message) -> Command[TaskRecord]:
    """Store record and message in one step. Raises ``DuplicateJob`` when the id is taken.

    Run twice, because its answer was lost, the same command takes effect once.
    """
    script, arguments, read = enqueue_many([message])

    def read_only(answer: list[bytes]) -> TaskRecord:
        (outcome,) = read(answer)
        if isinstance(outcome, DuplicateJob):
            raise outcome
        return outcome

    return Command(script, arguments, read_only)


def enqueue_many(messages: Sequence[Message]) -> Command[list[TaskRecord | DuplicateJob]]:
    """Store the records and messages of many jobs in one step; the result of each, in order."""

    def read(answer: list[bytes]) -> list[TaskRecord | DuplicateJob]:
        pairs = zip(messages, answer, strict=True)
        return [read_outcome(message, created_at.decode()) for message, created_at in pairs]

    return Command("jobs/enqueue", build_enqueue_arguments(messages), read)


def read_outcome(message: Message, answer: str) -> TaskRecord | DuplicateJob:
    """The record of a job that was enqueued, or why it was not."""
    if answer.startswith(HELD_MARK):
        return DuplicateJob(message.id, answer.removeprefix(HELD_MARK))
    return build_first_record(message, float(answer)) if answer else DuplicateJob(message.id)


def build_enqueue_arguments(messages: Sequence[Message]) -> list[Argument]:
    """The arguments with which a script enqueues jobs."""
    jobs = [build_job_arguments(message) for message in messages]
    arguments: list[Argument] = [new_call_id(), encode_json(jobs)]
    for message in messages:
        arguments += (message.payload, message.text)
    return arguments


def replace(job_id: str, *, token: str, messages: Sequence[Message]) -> Command[Verdict]:
    """End an attempt whose job is replaced, and enqueue the replacement, in one step.

    The message with the id of the job makes it another job. If there is none among ``messages``,
    the record waits, as ``pending``, until one of the other jobs enqueues it.
    """
    attempt = encode_json({"id": job_id, "token": token})
    return Command("attempts/replace", [attempt, *build_enqueue_arguments(messages)], parse_verdict)


def enqueue_once(
    message: Message, *, order: IdempotentOrder | None = None, unique: UniqueKey | None = None
) -> Command[EnqueueResult]:
    """Enqueue a job unless the same was ordered before. Raises ``DuplicateJob``."""
    key, text, seconds = order or IdempotentOrder("", "", 0)
    job = UniqueJobArguments(
        **msgspec.structs.asdict(build_job_arguments(message._replace(unique=unique))),
        idempotency_key=key,
        idempotency_seconds=seconds,
    )

    def read(answer: list[bytes]) -> EnqueueResult:
        how, *details = [item.decode() for item in answer]
        if how == "made":
            record = build_first_record(message, float(details[0]))
            due = float(details[1]) if details[1] else None
            return EnqueueResult("made", msgspec.structs.replace(record, due_at=due))
        if how == "replayed":
            then = message._replace(id=details[1])
            record = build_first_record(then, float(details[2]))
            return EnqueueResult("replayed", record, order=details[0])
        if how == "held":
            return EnqueueResult("held", holder=details[0])
        raise DuplicateJob(message.id)

    arguments = (new_call_id(), encode_json(job), message.payload, message.text, text)
    return Command("jobs/enqueue_once", arguments, read)


def enqueue_all_once(
    messages: Sequence[Message], order: IdempotentOrder | None = None
) -> Command[BulkResult]:
    """Enqueue jobs in one step unless the same order was made before."""
    call_id, *jobs = build_enqueue_arguments(messages)

    def read(answer: list[bytes]) -> BulkResult:
        how, text, *made = [item.decode() for item in answer]
        ids, created = made[::2], made[1::2]
        found = zip(messages, ids, created, strict=True) if len(ids) == len(messages) else ()
        outcomes = [read_outcome(each._replace(id=job_id), at) for each, job_id, at in found]
        return BulkResult(outcomes, is_replayed=how == "replayed", order=text)

    return Command(
        "jobs/enqueue_all_once", (call_id, *(order or IdempotentOrder("", "", 0)), *jobs), read
    )


def register(message: Message, *, retries: int, is_unsent: bool = False) -> Command[bool]:
    """Make a record for a job that a plain Celery client sent. False: there is a record.

    ``is_unsent``: for one that is not sent, because a job before it in its canvas has failed.
    """
    job = encode_json(build_job_arguments(message))
    return Command("jobs/register", (job, message.payload, retries, int(is_unsent)), bool)


def read_clock(job_id: str) -> Command[tuple[float, float | None]]:
    """The time by the clock of Redis, and when the record of the job was made, if it has one.

    Both in seconds since the epoch.
    """

    def parse(answer: Sequence[Any]) -> tuple[float, float | None]:
        now, created_at = answer
        return float(now), float(created_at) if created_at else None

    return Command("queries/read_clock", (job_id,), parse)


def forget(job_id: str) -> Command[bool]:
    """Delete the record of a job that has ended. False: it has not, or there is none."""
    return Command("jobs/forget", (job_id,), bool)


def rerun(
    message: Message,
    *,
    attempts: int,
    rerun_id: str = "",
    repeats: bool = False,
    keeps_steps: bool = False,
) -> Command[bool]:
    """Run a failed or cancelled job again. False: the job is in neither state (any more).

    A ``rerun_id`` reruns a job once: the same id again gets the same answer. ``repeats``: rerun
    a job that succeeded, too. ``keeps_steps``: the job skips the steps that it has finished, unless
    it succeeded.
    """
    job = build_job_arguments(message)
    wanted = RerunArguments(
        id=job.id,
        list=message.queue,
        max_retries=job.max_retries,
        attempts=attempts,
        rerun_id=rerun_id or new_call_id(),
        due=job.due,
        delay=job.delay,
        callback=job.callback,
        repeats=repeats,
        keeps_steps=keeps_steps,
    )
    return Command("jobs/rerun", (encode_json(wanted), message.payload, message.text), bool)

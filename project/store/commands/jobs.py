"""Jobs come into being, once, and again."""

import os
from collections.abc import Sequence
from typing import Literal, NamedTuple

from project.errors import DuplicateJob
from project.records.record import TaskRecord
from project.store.commands.command import Argument, Command
from project.store.commands.message import Message, build_first_record, job_arguments


class IdempotentOrder(NamedTuple):
    """An order under an idempotency key: ``text`` is all that it says, kept for ``seconds``."""

    key: str
    text: str
    seconds: int


class UniqueKey(NamedTuple):
    """A key that one job of a kind holds: ``during`` is queued, unfinished or so many seconds."""

    key: str
    during: str | float = "unfinished"


class EnqueueResult(NamedTuple):
    """What became of an order that may have been made before.

    ``made``: here is its record. ``replayed``: the record that was answered then, and what was
    ``said`` then. ``held``: another job, ``holder``, has the unique key.
    """

    how: Literal["made", "replayed", "held"]
    record: TaskRecord | None = None
    said: str = ""
    holder: str = ""


def enqueue(message: Message) -> Command[TaskRecord]:
    """Record, lists and message in one step. Raises ``DuplicateJob`` when the id is taken.

    The same move run twice (its answer was lost) happens once.
    """
    script, arguments, read = enqueue_many([message])

    def only(answer: list[bytes]) -> TaskRecord:
        (outcome,) = read(answer)
        if isinstance(outcome, DuplicateJob):
            raise outcome
        return outcome

    return Command(script, arguments, only)


def enqueue_many(messages: Sequence[Message]) -> Command[list[TaskRecord | DuplicateJob]]:
    """The same for many, in one step: what became of each, in their order."""
    arguments: list[Argument] = [new_call_id()]
    for message in messages:
        arguments += job_arguments(message)

    def read(answer: list[bytes]) -> list[TaskRecord | DuplicateJob]:
        pairs = zip(messages, answer, strict=True)
        return [
            build_first_record(message, float(created_at))
            if created_at
            else DuplicateJob(message.id)
            for message, created_at in pairs
        ]

    return Command("jobs/enqueue", arguments, read)


def enqueue_once(
    message: Message, *, said: IdempotentOrder | None = None, unique: UniqueKey | None = None
) -> Command[EnqueueResult]:
    """Enqueue a job unless the same was asked for before. Raises ``DuplicateJob``."""
    key, text, seconds = said or IdempotentOrder("", "", 0)
    name, during = unique or UniqueKey("", "")
    conditions: tuple[Argument, ...] = (key, text, seconds, name, during)

    def read(answer: list[bytes]) -> EnqueueResult:
        how, *about = [item.decode() for item in answer]
        if how == "made":
            return EnqueueResult("made", build_first_record(message, float(about[0])))
        if how == "replayed":
            then = message._replace(id=about[1])
            return EnqueueResult(
                "replayed", build_first_record(then, float(about[2])), said=about[0]
            )
        if how == "held":
            return EnqueueResult("held", holder=about[0])
        raise DuplicateJob(message.id)

    return Command("jobs/enqueue_once", (*conditions, new_call_id(), *job_arguments(message)), read)


def rerun(
    message: Message, *, attempts: int, rerun_id: str = "", repeats: bool = False
) -> Command[bool]:
    """Run a failed or cancelled job again. False: it is neither (any more).

    A ``rerun_id`` reruns a job once: the same id again gets the same answer.
    ``repeats``: one that succeeded is run again, too.
    """
    job_id, _, max_retries, payload, queue, text, due = job_arguments(message)
    wish = (job_id, rerun_id or new_call_id(), attempts)
    arguments = (*wish, max_retries, payload, queue, text, due, int(repeats))
    return Command("jobs/revive", arguments, bool)


def new_call_id() -> str:
    """Names one call of a move, so that Redis knows it again when the answer was lost."""
    return os.urandom(4).hex()

"""What every worker does for all jobs, a bounded amount at a time."""

from typing import Any, NamedTuple

from project.records.history import MAX_SNAPSHOTS
from project.records.record import TaskStatus
from project.store.commands.command import Command


class DeadWorker(NamedTuple):
    """A dead worker, the messages it held, and how many of them are not run again."""

    worker: str
    messages: int
    poison: int


class PromoteResult(NamedTuple):
    """What a round of promotion did: messages sent, seconds until the next is due."""

    promoted: int
    next_in: float | None


def promote(most: int) -> Command[PromoteResult]:
    """Put messages that are due on their queues, at most ``most``."""

    def parse(answer: list[Any]) -> PromoteResult:
        promoted, next_due, at = answer
        return PromoteResult(promoted, max(float(next_due) - float(at), 0.0) if next_due else None)

    return Command("maintenance/promote", (most,), parse)


def sweep(
    *, shelf: str, status: TaskStatus, kept: int, offset: int, most: int
) -> Command[tuple[int, int]]:
    """Delete final records older than ``kept`` seconds; how many, and where to look next."""
    return Command(
        "maintenance/sweep",
        (shelf, status.value, kept, offset, most),
        lambda pair: (pair[0], pair[1]),
    )


def reap(lease_seconds: float) -> Command[list[DeadWorker]]:
    """Give the jobs of dead workers to others, unless everybody is late after an outage."""

    def parse(answer: list[Any]) -> list[DeadWorker]:
        triples = zip(answer[::3], answer[1::3], answer[2::3], strict=True)
        return [
            DeadWorker(worker.decode(), messages, poison) for worker, messages, poison in triples
        ]

    return Command("maintenance/reap", (lease_seconds,), parse)


def measure_durations(*, every: float, most: int) -> Command[bool]:
    """Note how long jobs take lately, by their ``most`` newest. False: that was done lately."""
    return Command("maintenance/measure", (every, most), bool)


def save_counters(*, every: float) -> Command[bool]:
    """Write down what has been counted, once in each ``every`` seconds. False: it was done."""
    return Command("maintenance/remember", (every, MAX_SNAPSHOTS), bool)

"""Commands that any worker runs for all jobs; each does a bounded amount."""

from typing import Any, NamedTuple

from project.records.history import MAX_SNAPSHOTS
from project.records.record import TaskStatus
from project.store.commands.command import Command


class DeadWorker(NamedTuple):
    """A worker whose lease ended, how many messages it held, and how many failed as poison."""

    worker: str
    messages: int
    poison: int


class PromoteResult(NamedTuple):
    """How many messages were put on their queues; seconds until the next is due, None for none."""

    promoted: int
    next_in: float | None


def promote(most: int) -> Command[PromoteResult]:
    """Put messages that are due on their queues, at most ``most``."""

    def parse(answer: list[Any]) -> PromoteResult:
        promoted, next_due, at = answer
        return PromoteResult(promoted, max(float(next_due) - float(at), 0.0) if next_due else None)

    return Command("maintenance/promote", (most,), parse)


def sweep(
    *, kind_queue: str, status: TaskStatus, retention: int, offset: int, most: int
) -> Command[tuple[int, int]]:
    """Delete final records older than ``retention`` seconds: how many, and the next offset.

    Scans ``most`` records of one index from ``offset``. The next offset is 0 at the end.
    """
    return Command(
        "maintenance/sweep",
        (kind_queue, status.value, retention, offset, most),
        lambda pair: (pair[0], pair[1]),
    )


def reap(lease_seconds: float) -> Command[list[DeadWorker]]:
    """Requeue the jobs of dead workers, except in the grace period after an outage."""

    def parse(answer: list[Any]) -> list[DeadWorker]:
        triples = zip(answer[::3], answer[1::3], answer[2::3], strict=True)
        return [
            DeadWorker(worker.decode(), messages, poison) for worker, messages, poison in triples
        ]

    return Command("maintenance/reap", (lease_seconds,), parse)


def measure_durations(*, every: float, most: int) -> Command[bool]:
    """Measure how long the ``most`` newest jobs took. False: done less than ``every`` s ago."""
    return Command("maintenance/measure_durations", (every, most), bool)


def save_counters(*, every: float) -> Command[bool]:
    """Save a snapshot of the counters. False: this interval of ``every`` seconds has one."""
    return Command("maintenance/save_counters", (every, MAX_SNAPSHOTS), bool)

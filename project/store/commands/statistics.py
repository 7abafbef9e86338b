"""Commands that read and add to counters."""

from collections.abc import Mapping
from typing import Any

from project.records.counters import Counters, parse_counters
from project.records.history import MAX_SNAPSHOTS, Minute, build_minutes, parse_snapshot
from project.records.record import Stats, TaskStatus
from project.store.commands.command import Command


def read_stats(tenant: str = "") -> Command[Stats]:
    """Counts of all jobs, or of those of a ``tenant``; the cost is independent of their number.

    For a tenant, ``queue_size`` is the number of its pending jobs. Jobs that wait for a signal or
    sleep are counted as ``waiting``, where there are any.
    """

    def parse(answer: list[Any]) -> Stats:
        waiting, slots, *pairs = answer
        counts = {name.decode(): count for name, count in zip(pairs[::2], pairs[1::2], strict=True)}
        total = sum(counts.values())
        if not counts[TaskStatus.WAITING]:
            del counts[TaskStatus.WAITING]
        return Stats(waiting, total, slots, counts)

    return Command("statistics/read_stats", (tenant,), parse)


def read_counters() -> Command[Counters]:
    """All counters and gauges of jobs, workers and HTTP."""
    return Command("statistics/read_counters", (), parse_counters)


def read_history() -> Command[list[Minute]]:
    """The last hour, minute by minute, oldest first."""
    return Command(
        "statistics/read_history",
        (MAX_SNAPSHOTS,),
        lambda snapshots: build_minutes([parse_snapshot(snapshot) for snapshot in snapshots]),
    )


def add_request_counts(process: str, number: int, amounts: Mapping[str, int]) -> Command[bool]:
    """Add what an HTTP server has counted to the counters of all; each ``number`` counts once."""
    pairs = [item for pair in amounts.items() for item in pair]
    return Command("statistics/add_request_counts", (process, number, *pairs), bool)

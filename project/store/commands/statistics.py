"""How queues and jobs are doing, and how fast they may come."""

from collections.abc import Mapping
from typing import Any

from project.records.counters import Counters, parse_counters
from project.records.history import MAX_SNAPSHOTS, Minute, build_minutes, parse_snapshot
from project.records.labels import tenant_keys
from project.records.record import Stats
from project.store.commands.command import Command


def read_stats(tenant: str = "") -> Command[Stats]:
    """Counts over everything, at a cost that does not depend on how much that is.

    Of a ``tenant`` only its jobs are counted; ``queue_size`` is how many of those are pending.
    """

    def parse(answer: list[Any]) -> Stats:
        waiting, slots, *pairs = answer
        counts = {name.decode(): count for name, count in zip(pairs[::2], pairs[1::2], strict=True)}
        return Stats(waiting, sum(counts.values()), slots, counts)

    return Command("statistics/stats", tenant_keys(tenant), parse)


def read_counters() -> Command[Counters]:
    """All that is counted about jobs, workers and HTTP."""
    return Command("statistics/meters", (), parse_counters)


def read_history() -> Command[list[Minute]]:
    """The last hour, minute by minute, oldest first."""
    return Command(
        "statistics/history",
        (MAX_SNAPSHOTS,),
        lambda notes: build_minutes([parse_snapshot(note) for note in notes]),
    )


def add_request_counts(process: str, number: int, amounts: Mapping[str, int]) -> Command[bool]:
    """Add what an HTTP server has counted to what all have; a ``number`` counts once."""
    pairs = [item for pair in amounts.items() for item in pair]
    return Command("statistics/add_up", (process, number, *pairs), bool)

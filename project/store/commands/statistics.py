"""How queues and jobs are doing, and how fast they may come."""

from collections.abc import Mapping
from typing import Any

from project.records.counters import Meters, read_meters
from project.records.history import NOTES, Minute, minutes, read_note
from project.records.labels import owned_by
from project.records.record import Stats
from project.store.commands.command import Command


def stats(tenant: str = "") -> Command[Stats]:
    """Counts over everything, at a cost that does not depend on how much that is.

    Of a ``tenant`` only its jobs are counted; ``queue_size`` is how many of those are pending.
    """

    def parse(answer: list[Any]) -> Stats:
        waiting, slots, *pairs = answer
        counts = {name.decode(): count for name, count in zip(pairs[::2], pairs[1::2], strict=True)}
        return Stats(waiting, sum(counts.values()), slots, counts)

    return Command("statistics/stats", owned_by(tenant), parse)


def meters() -> Command[Meters]:
    """All that is counted about jobs, workers and HTTP."""
    return Command("statistics/meters", (), read_meters)


def history() -> Command[list[Minute]]:
    """The last hour, minute by minute, oldest first."""
    return Command(
        "statistics/history", (NOTES,), lambda notes: minutes([read_note(note) for note in notes])
    )


def add_up(process: str, number: int, amounts: Mapping[str, int]) -> Command[bool]:
    """Add what an HTTP server has counted to what all have; a ``number`` counts once."""
    pairs = [item for pair in amounts.items() for item in pair]
    return Command("statistics/add_up", (process, number, *pairs), bool)

"""How queues and jobs are doing, and how fast they may come."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from project.history import NOTES, Minute, minutes, read_note
from project.labels import owned_by
from project.meters import Meters, read_meters
from project.moves.move import Move, seconds
from project.records import (
    Queue,
    Stats,
)


class Pass(NamedTuple):
    """A request that is admitted or not: how many more are now, seconds until all, until one."""

    is_admitted: bool
    left: int
    reset: float
    wait: float


def measure(*, every: float, most: int) -> Move[bool]:
    """Note how long jobs take lately, by their ``most`` newest. False: that was done lately."""
    return Move("measure", (every, most), bool)


def stats(tenant: str = "") -> Move[Stats]:
    """Counts over everything, at a cost that does not depend on how much that is.

    Of a ``tenant`` only its jobs are counted; ``queue_size`` is how many of those are pending.
    """

    def parse(answer: list[Any]) -> Stats:
        waiting, slots, *pairs = answer
        counts = {name.decode(): count for name, count in zip(pairs[::2], pairs[1::2], strict=True)}
        return Stats(waiting, sum(counts.values()), slots, counts)

    return Move("stats", owned_by(tenant), parse)


def queues() -> Move[list[Queue]]:
    """How every queue is doing that has ever had a message, or has a worker."""

    def parse(answer: list[Any]) -> list[Queue]:
        return sorted((queue_from(row) for row in answer), key=lambda queue: queue.name)

    return Move("queues", (), parse)


def meters() -> Move[Meters]:
    """All that is counted about jobs, workers and HTTP."""
    return Move("meters", (), read_meters)


def remember(*, every: float) -> Move[bool]:
    """Write down what has been counted, once in each ``every`` seconds. False: it was done."""
    return Move("remember", (every, NOTES), bool)


def history() -> Move[list[Minute]]:
    """The last hour, minute by minute, oldest first."""
    return Move("history", (NOTES,), lambda notes: minutes([read_note(note) for note in notes]))


def add_up(process: str, number: int, amounts: Mapping[str, int]) -> Move[bool]:
    """Add what an HTTP server has counted to what all have; a ``number`` counts once."""
    pairs = [item for pair in amounts.items() for item in pair]
    return Move("add_up", (process, number, *pairs), bool)


def pause(queue: str) -> Move[bool]:
    """Let a queue hand out nothing until it is resumed."""
    return Move("pause", (queue,), bool)


def resume(queue: str) -> Move[bool]:
    """Let a queue hand out its messages again, at once."""
    return Move("resume", (queue,), bool)


def shelves() -> Move[list[str]]:
    """Every kind and queue that have ever had a record, as a label without facets."""
    return Move("shelves", (), lambda names: sorted(name.decode() for name in names))


def admit(name: str, limit: int, window: int) -> Move[Pass]:
    """Whether one more request of ``name`` may pass: at most ``limit`` in ``window`` seconds."""

    def parse(answer: list[Any]) -> Pass:
        admitted, left, reset, wait = answer
        return Pass(bool(admitted), left, float(reset), float(wait))

    return Move("admit", (name, limit, window), parse)


def queue_from(row: Sequence[Any]) -> Queue:
    """A queue from the script's answer."""
    name, waiting, oldest, running, paused, workers = row
    return Queue(
        name=name.decode(),
        waiting=None if waiting == b"" else waiting,
        running=running,
        paused=bool(paused),
        oldest=seconds(oldest),
        workers=workers,
    )

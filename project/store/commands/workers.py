"""Workers: their leases, what they have in hand, and what they do for all."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from project.labels import read_label
from project.moves.attempts import Fate
from project.moves.move import Argument, Move, texts
from project.records import (
    Running,
    TaskStatus,
    Worker,
)

MOST_RUNNING = 500
"""Running jobs that are told apart by their workers."""


class Reaped(NamedTuple):
    """A dead worker, the messages it held, and how many of them are not run again."""

    worker: str
    messages: int
    poison: int


class Upkeep(NamedTuple):
    """What a round of promotion did: messages sent, seconds until the next is due."""

    promoted: int
    next_in: float | None


def promote(most: int) -> Move[Upkeep]:
    """Put messages that are due on their queues, at most ``most``."""

    def parse(answer: list[Any]) -> Upkeep:
        promoted, next_due, at = answer
        return Upkeep(promoted, max(float(next_due) - float(at), 0.0) if next_due else None)

    return Move("promote", (most,), parse)


def unsent(*, waited: float, most: int) -> Move[list[tuple[str, str]]]:
    """Messages that another broker should have had for ``waited`` seconds: job id and text."""

    def parse(answer: list[bytes]) -> list[tuple[str, str]]:
        texts = [item.decode() for item in answer]
        return list(zip(texts[::2], texts[1::2], strict=True))

    return Move("unsent", (waited, most), parse)


def sent(job_id: str) -> Move[bool]:
    """Another broker has confirmed the message of a job."""
    return Move("sent", (job_id,), bool)


def sweep(
    *, shelf: str, status: TaskStatus, kept: int, offset: int, most: int
) -> Move[tuple[int, int]]:
    """Delete final records older than ``kept`` seconds; how many, and where to look next."""
    return Move("sweep", (shelf, status.value, kept, offset, most), lambda pair: (pair[0], pair[1]))


def lease(
    worker: str, seconds: float, about: dict[str, Argument], *, first: bool = False
) -> Move[bool]:
    """A worker lives. False: its lease had ended and its jobs were given away."""
    pairs = [item for pair in about.items() for item in pair]
    return Move("lease", (worker, seconds, int(first), *pairs), bool)


def workers() -> Move[list[Worker]]:
    """Every worker whose lease holds."""
    return Move("workers", (MOST_RUNNING,), lambda answer: [worker_of(*row) for row in answer])


def leave(worker: str) -> Move[int]:
    """A worker ends in good order; how many messages it gave back."""
    return Move("leave", (worker,), int)


def reap(lease_seconds: float) -> Move[list[Reaped]]:
    """Give the jobs of dead workers to others, unless everybody is late after an outage."""

    def parse(answer: list[Any]) -> list[Reaped]:
        triples = zip(answer[::3], answer[1::3], answer[2::3], strict=True)
        return [Reaped(worker.decode(), messages, poison) for worker, messages, poison in triples]

    return Move("reap", (lease_seconds,), parse)


def fetch(
    worker: str, *, serial: int, most: int, done: Sequence[str], lists: Sequence[str]
) -> Move[list[tuple[str, bytes]]]:
    """Take up to ``most`` messages in hand, numbered from ``serial``; each with its list."""

    def parse(answer: list[bytes]) -> list[tuple[str, bytes]]:
        return [(name.decode(), text) for name, text in zip(answer[::2], answer[1::2], strict=True)]

    return Move("fetch", (worker, serial, most, len(done), *done, *lists), parse)


def ack(worker: str, serials: Sequence[str]) -> Move[int]:
    """The worker is done with these messages."""
    return Move("ack", (worker, *serials), int)


def release(worker: str, serials: Sequence[str]) -> Move[list[Fate]]:
    """Give messages back, nobody's fault."""
    return Move(
        "release", (worker, *serials), lambda fates: [Fate(fate.decode()) for fate in fates]
    )


def release_others(worker: str, kept: Sequence[str]) -> Move[int]:
    """Give back all the worker holds but what it runs; how many went back."""
    return Move("release_others", (worker, *kept), int)


def takers(worker: str) -> Move[frozenset[int]]:
    """The pool processes of a worker that hold messages they took by themselves."""
    return Move("takers", (worker,), frozenset)


def bury(worker: str, begins: str, cause: str) -> Move[int]:
    """A pool process has died: what it had taken by itself goes back; how many are to run again.

    Its serials are those that begin so.
    """
    return Move("bury", (worker, begins, cause), int)


def put_aside(worker: str, serial: str) -> Move[int]:
    """Keep a message that nobody can read apart; how many there ever were."""
    return Move("put_aside", (worker, serial), int)


def worker_of(
    worker_id: bytes, lease_ends: bytes, about: Sequence[bytes], jobs: Sequence[bytes]
) -> Worker:
    """A worker, from its fields and values in turn, and of each job its id, shelf and start."""
    field = dict(zip(texts(about[::2]), texts(about[1::2]), strict=True))
    memory = field.get("memory")
    return Worker(
        id=worker_id.decode(),
        host=field["host"],
        pid=int(field["pid"]),
        queues=field["queues"].split("\n"),
        slots=int(field["slots"]),
        started_at=float(field["started_at"]),
        lease_ends=float(lease_ends),
        memory=int(memory) if memory else None,
        jobs=[running_of(*jobs[at : at + 3]) for at in range(0, len(jobs), 3)],
    )


def running_of(job_id: bytes, shelf: bytes, started_at: bytes) -> Running:
    """A job that runs."""
    return Running(job_id.decode(), read_label(shelf.decode()).kind, float(started_at))

"""Workers: their leases, what they have in hand, and what they do for all."""

from collections.abc import Sequence

from project.records.labels import parse_label
from project.records.record import Running, Worker
from project.store.commands.attempts import RequeueResult
from project.store.commands.command import Argument, Command, decode_texts

MAX_RUNNING_JOBS = 500
"""Running jobs that are told apart by their workers."""


def renew_lease(
    worker: str, seconds: float, about: dict[str, Argument], *, first: bool = False
) -> Command[bool]:
    """A worker lives. False: its lease had ended and its jobs were given away."""
    pairs = [item for pair in about.items() for item in pair]
    return Command("workers/lease", (worker, seconds, int(first), *pairs), bool)


def list_workers() -> Command[list[Worker]]:
    """Every worker whose lease holds."""
    return Command(
        "workers/workers",
        (MAX_RUNNING_JOBS,),
        lambda answer: [parse_worker(*row) for row in answer],
    )


def sign_off(worker: str) -> Command[int]:
    """A worker ends in good order; how many messages it gave back."""
    return Command("workers/leave", (worker,), int)


def fetch(
    worker: str, *, serial: int, most: int, done: Sequence[str], lists: Sequence[str]
) -> Command[list[tuple[str, bytes]]]:
    """Take up to ``most`` messages in hand, numbered from ``serial``; each with its list."""

    def parse(answer: list[bytes]) -> list[tuple[str, bytes]]:
        return [(name.decode(), text) for name, text in zip(answer[::2], answer[1::2], strict=True)]

    return Command("workers/fetch", (worker, serial, most, len(done), *done, *lists), parse)


def ack(worker: str, serials: Sequence[str]) -> Command[int]:
    """The worker is done with these messages."""
    return Command("workers/ack", (worker, *serials), int)


def requeue(worker: str, serials: Sequence[str]) -> Command[list[RequeueResult]]:
    """Give messages back, nobody's fault."""
    return Command(
        "workers/release",
        (worker, *serials),
        lambda fates: [RequeueResult(fate.decode()) for fate in fates],
    )


def requeue_unstarted(worker: str, kept: Sequence[str]) -> Command[int]:
    """Give back all the worker holds but what it runs; how many went back."""
    return Command("workers/release_others", (worker, *kept), int)


def list_process_claims(worker: str) -> Command[frozenset[int]]:
    """The pool processes of a worker that hold messages they took by themselves."""
    return Command("workers/takers", (worker,), frozenset)


def requeue_dead_process(worker: str, begins: str, cause: str) -> Command[int]:
    """A pool process has died: what it had taken by itself goes back; how many are to run again.

    Its serials are those that begin so.
    """
    return Command("workers/bury", (worker, begins, cause), int)


def add_dead_letter(worker: str, serial: str) -> Command[int]:
    """Keep a message that nobody can read apart; how many there ever were."""
    return Command("workers/put_aside", (worker, serial), int)


def parse_worker(
    worker_id: bytes, lease_ends: bytes, about: Sequence[bytes], jobs: Sequence[bytes]
) -> Worker:
    """A worker, from its fields and values in turn, and of each job its id, shelf and start."""
    field = dict(zip(decode_texts(about[::2]), decode_texts(about[1::2]), strict=True))
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
        jobs=[parse_running(*jobs[at : at + 3]) for at in range(0, len(jobs), 3)],
    )


def parse_running(job_id: bytes, shelf: bytes, started_at: bytes) -> Running:
    """A job that runs."""
    return Running(job_id.decode(), parse_label(shelf.decode()).kind, float(started_at))

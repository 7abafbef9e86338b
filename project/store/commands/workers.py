"""Commands of workers: their leases and the messages they hold."""

from collections.abc import Sequence

import msgspec

from project.records.log_line import WorkerLogLine
from project.records.record import Running, Worker, WorkerLoad
from project.store.commands.attempts import RequeueResult
from project.store.commands.command import Argument, Command, decode_texts, encode_json

MAX_RUNNING_JOBS = 500
"""How many running jobs ``list_workers`` reads."""


def renew_lease(
    worker: str, seconds: float, about: dict[str, Argument], *, first: bool = False
) -> Command[bool]:
    """Renew the lease of a worker. False: it had ended and the jobs were requeued."""
    pairs = [item for pair in about.items() for item in pair]
    return Command("workers/renew_lease", (worker, seconds, int(first), *pairs), bool)


def list_workers() -> Command[list[Worker]]:
    """Every worker with a valid lease."""
    return Command(
        "workers/list_workers",
        (MAX_RUNNING_JOBS,),
        lambda answer: [parse_worker(*row) for row in answer],
    )


def keep_log(name: str, lines: Sequence[WorkerLogLine]) -> Command[None]:
    """Keep the last lines that a worker has logged, for a day or until it sends others."""
    return Command("workers/keep_log", (name, encode_json(lines)), lambda _: None)


def read_log(name: str) -> Command[list[WorkerLogLine] | None]:
    """The last lines that the worker of a name has logged, the oldest first; None: none known."""

    def parse(text: bytes | None) -> list[WorkerLogLine] | None:
        return None if text is None else msgspec.json.decode(text, type=list[WorkerLogLine])

    return Command("workers/read_log", (name,), parse)


def list_leases() -> Command[list[str]]:
    """The ids of the workers with a lease, also with one that has ended."""
    return Command("workers/list_leases", (), decode_texts)


def sign_off(worker: str) -> Command[int]:
    """End a worker in good order: how many messages it gave back."""
    return Command("workers/sign_off", (worker,), int)


def fetch(
    worker: str, *, serial: int, most: int, done: Sequence[str], lists: Sequence[str]
) -> Command[list[tuple[str, bytes]]]:
    """Give up to ``most`` messages to a worker, each with its list, and acknowledge ``done``.

    The messages get the serials from ``serial`` on.
    """
    request = {
        "worker": worker,
        "serial": serial,
        "limit": most,
        "done": list(done),
        "lists": list(lists),
    }

    def parse(answer: list[bytes]) -> list[tuple[str, bytes]]:
        return [(name.decode(), text) for name, text in zip(answer[::2], answer[1::2], strict=True)]

    return Command("workers/fetch", (encode_json(request),), parse)


def ack(worker: str, serials: Sequence[str]) -> Command[int]:
    """Acknowledge messages of a worker: how many it held."""
    return Command("workers/ack", (worker, *serials), int)


def requeue(worker: str, serials: Sequence[str]) -> Command[list[RequeueResult]]:
    """Give messages back, uncounted."""
    return Command(
        "workers/requeue",
        (worker, *serials),
        lambda answers: [RequeueResult(answer.decode()) for answer in answers],
    )


def requeue_unstarted(worker: str, kept: Sequence[str]) -> Command[int]:
    """Give back all messages of a worker except those it runs: how many."""
    return Command("workers/requeue_unstarted", (worker, *kept), int)


def list_process_claims(worker: str) -> Command[frozenset[int]]:
    """The ids of the pool processes that hold messages which they took themselves."""
    return Command("workers/list_process_claims", (worker,), frozenset)


def requeue_dead_process(worker: str, begins: str, cause: str) -> Command[int]:
    """Give back what a dead pool process had taken itself: how many jobs run again.

    ``begins`` is how the serials of the process begin; ``cause`` says how it died.
    """
    return Command("workers/requeue_dead_process", (worker, begins, cause), int)


def add_dead_letter(worker: str, serial: str) -> Command[int]:
    """Move a message that no worker can read to the dead letters: how many there ever were."""
    return Command("workers/add_dead_letter", (worker, serial), int)


def parse_worker(
    worker_id: bytes, lease_ends: bytes, about: Sequence[bytes], jobs: Sequence[bytes]
) -> Worker:
    """A worker from its row; ``jobs`` are id, kind and start of each in turn."""
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
        clock_skew=float(field.get("clock_skew", 0)),
        jobs=[parse_running(*jobs[at : at + 3]) for at in range(0, len(jobs), 3)],
        load=msgspec.json.decode(field.get("load", "[]"), type=list[WorkerLoad]),
    )


def parse_running(job_id: bytes, kind: bytes, started_at: bytes) -> Running:
    """A running job."""
    return Running(job_id.decode(), kind.decode(), float(started_at))


def read_held(worker: str, serial: str) -> Command[bytes]:
    """The text of a message that a worker holds; empty when it holds none with that serial."""
    return Command("workers/read_held", (worker, serial), bytes)

"""What is counted about jobs, workers and HTTP, as an operator wants to know it. Pure.

Redis counts for all processes and machines together, inside the moves themselves, so
whoever asks gets the whole, and a restart of anything forgets nothing.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from project.records.labels import Label, parse_label
from project.records.record import TaskStatus

BUCKET_BOUNDS_SECONDS = tuple(2**n / 1000 for n in range(23))
"""Seconds: the upper ends of a histogram's buckets but the last, as the scripts have them."""

MICROSECONDS_SUFFIX = "us"
"""What ends the name of the sum of a histogram, in microseconds."""

STATUSES = tuple(status.value for status in TaskStatus)

OUTCOMES = ("success", "failed", "retrying", "cancelled", "interrupted", "postponed")
"""How an attempt may end. ``interrupted`` by the end of its worker, ``postponed`` by itself."""


class Histogram(NamedTuple):
    """``counts`` per bucket of ``BUCKET_BOUNDS_SECONDS``; the last counts what took longer."""

    counts: tuple[int, ...]
    seconds: float

    @property
    def total(self) -> int:
        """How many there were."""
        return sum(self.counts)


class QueueStats(NamedTuple):
    """The jobs of one kind and queue.

    ``jobs`` are those that are kept, by status. Since ever: ``enqueued``, ``waits`` (until an
    attempt began), ``runs`` by outcome, ``unrun`` (jobs that ended while none ran, by status),
    ``poison`` (jobs that killed their workers).
    """

    label: Label
    jobs: Mapping[str, int]
    enqueued: int
    waits: Histogram
    runs: Mapping[str, Histogram]
    unrun: Mapping[str, int]
    poison: int

    def attempts(self, outcome: str) -> int:
        """How many attempts ever ended so."""
        run = self.runs.get(outcome)
        return run.total if run else 0

    def finished(self, status: str) -> int:
        """How many jobs ever ended so."""
        return self.attempts(status) + self.unrun.get(status, 0)


class RouteStats(NamedTuple):
    """The requests that one route has answered: by status, and how long they took."""

    method: str
    route: str
    answers: Mapping[str, int]
    times: Histogram


class WorkerStats(NamedTuple):
    """A worker whose lease is known; ``lease_left`` and ``lease_age`` in seconds.

    ``memory``: bytes resident in all of its processes, 0 where that cannot be read.
    """

    worker: str
    host: str
    slots: int
    memory: int
    lease_left: float
    lease_age: float


class Counters(NamedTuple):
    """All of it at one time. Bytes are -1 where Redis does not tell, 0 where there is no limit."""

    queue_stats: list[QueueStats]
    route_stats: list[RouteStats]
    workers: list[WorkerStats]
    scheduled: int
    unsent: int
    garbage: int
    disabled: int
    deaths: int
    memory_used: int
    memory_allowed: int


def bucket_of(seconds: float) -> int:
    """The bucket that a time belongs to."""
    return bisect_left(BUCKET_BOUNDS_SECONDS, seconds)


def format_route_field(method: str, route: str, what: str | int) -> str:
    """The field that counts a route's requests: by bucket, microseconds or ``=`` and status."""
    return f"{method} {route}\n{what}"


def parse_counters(answer: Sequence[Any]) -> Counters:
    """What the script ``meters`` answered."""
    shelves, traffic, lengths, memory, workers, at = answer
    return Counters(
        sorted(map(parse_queue_stats, shelves)),
        group_by_route(dict_from_pairs(traffic)),
        sorted(parse_worker_stats(row, float(at)) for row in workers),
        *lengths,
        *memory,
    )


def parse_queue_stats(row: Sequence[Any]) -> QueueStats:
    """One shelf from its row."""
    name, counted, jobs = row
    counts = {name: int(amount) for name, amount in dict_from_pairs(counted).items()}
    runs = {outcome: build_histogram(counts, outcome) for outcome in OUTCOMES}
    return QueueStats(
        label=parse_label(name.decode()),
        jobs=dict(zip(STATUSES, jobs, strict=True)),
        enqueued=counts.get("enqueued", 0),
        waits=build_histogram(counts, "wait"),
        runs={outcome: run for outcome, run in runs.items() if run.total},
        unrun={status: counts.get(f"unrun:{status}", 0) for status in STATUSES},
        poison=counts.get("poison", 0),
    )


def group_by_route(fields: Mapping[str, str]) -> list[RouteStats]:
    """The requests by route."""
    lanes: dict[str, dict[str, int]] = {}
    for field, amount in fields.items():
        name, _, what = field.partition("\n")
        lanes.setdefault(name, {})[what] = int(amount)
    return [parse_route_stats(name, lanes[name]) for name in sorted(lanes)]


def parse_route_stats(name: str, counts: Mapping[str, int]) -> RouteStats:
    """The requests of one route."""
    method, _, route = name.partition(" ")
    answers = {what[1:]: amount for what, amount in counts.items() if what.startswith("=")}
    return RouteStats(method, route, answers, build_histogram(counts, ""))


def build_histogram(counts: Mapping[str, int], name: str) -> Histogram:
    """The histogram of a name."""
    buckets = tuple(
        counts.get(f"{name}{place}", 0) for place in range(len(BUCKET_BOUNDS_SECONDS) + 1)
    )
    return Histogram(buckets, counts.get(name + MICROSECONDS_SUFFIX, 0) / 1e6)


def parse_worker_stats(row: Sequence[Any], at: float) -> WorkerStats:
    """One worker from its row. One of an older version does not say how long its leases are."""
    name, ends, about = row
    field = dict_from_pairs(about)
    left = float(ends) - at
    age = float(field.get("lease_seconds", 0)) - left
    return WorkerStats(
        worker=name.decode(),
        host=field.get("host", ""),
        slots=int(field.get("slots", 0)),
        memory=int(field.get("memory") or 0),
        lease_left=left,
        lease_age=max(age, 0.0),
    )


def dict_from_pairs(row: Sequence[bytes]) -> dict[str, str]:
    """Names and values in turn."""
    texts = [item.decode() for item in row]
    return dict(zip(texts[::2], texts[1::2], strict=True))

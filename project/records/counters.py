"""The counters of jobs, workers and HTTP requests. Pure.

Redis counts for all processes and machines together, inside the scripts that change jobs. So one
reading has the whole, and a restart forgets nothing.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from project.records.grouping import parse_kind_queue
from project.records.record import TaskStatus

BUCKET_BOUNDS_SECONDS = tuple(2**n / 1000 for n in range(23))
"""The upper bounds of all buckets but the last; the same as in ``lua/lib/metrics.lua``."""

MICROSECONDS_SUFFIX = "us"
"""Ends the name of the counter that has the sum of a histogram, in microseconds."""

STATUSES = tuple(status.value for status in TaskStatus)

OUTCOMES = (
    *("success", "failed", "retrying", "cancelled"),
    *("interrupted", "postponed", "replaced", "waiting"),
)
"""How an attempt can end: ``interrupted`` by the end of its worker, ``postponed``, ``replaced``
(by another job under the same id) and ``waiting`` by itself."""


REPAIRS = ("requeued", "failed")
"""What is done with a job that could not have ended."""


class Histogram(NamedTuple):
    """Counts by bucket of ``BUCKET_BOUNDS_SECONDS``; the last bucket has what took longer."""

    counts: tuple[int, ...]
    seconds: float

    @property
    def total(self) -> int:
        """The sum of all buckets."""
        return sum(self.counts)


class QueueStats(NamedTuple):
    """The jobs of one kind and queue.

    ``jobs`` counts the records that exist, by status. The others only grow: ``enqueued``, ``waits``
    (until an attempt began), ``runs`` by outcome, ``unrun`` (jobs that ended while no attempt ran,
    by status), ``poison`` (jobs that killed their workers), ``mended`` (jobs that could not have
    ended, by what was done: ``requeued`` or ``failed``), ``breaker_trips`` (how often the breaker
    of the kind opened).
    """

    kind: str
    queue: str
    jobs: Mapping[str, int]
    enqueued: int
    waits: Histogram
    runs: Mapping[str, Histogram]
    unrun: Mapping[str, int]
    poison: int
    mended: Mapping[str, int] = {}
    breaker_trips: int = 0

    def attempts(self, outcome: str) -> int:
        """How many attempts ended with this outcome."""
        run = self.runs.get(outcome)
        return run.total if run else 0

    def finished(self, status: str) -> int:
        """How many jobs ended with this status."""
        return self.attempts(status) + self.unrun.get(status, 0)


class RouteStats(NamedTuple):
    """The requests of one route: ``answers`` by HTTP status, and how long they took."""

    method: str
    route: str
    answers: Mapping[str, int]
    times: Histogram


class WorkerStats(NamedTuple):
    """A worker with a lease; ``lease_left`` and ``lease_age`` in seconds.

    ``memory``: resident bytes of all its processes, 0 where that cannot be read. ``clock_skew``:
    seconds by which the clock of its machine is ahead of that of Redis.
    """

    worker: str
    host: str
    slots: int
    memory: int
    lease_left: float
    lease_age: float
    clock_skew: float


CAUSE_NEWS = ("new", "regression")
"""What there is to say of a cause of failures: it is new, or back after it was resolved."""


class ScheduleStats(NamedTuple):
    """The schedules: how many there are, ``idle`` ones (paused or over), and those ``due``.

    ``lateness``: seconds since the first of them is due. These only grow: ``made`` jobs by what
    made them, due times ``skipped`` by the reason, and how ``late`` due times were fired.
    """

    total: int
    idle: int
    due: int
    lateness: float
    made: Mapping[str, int]
    skipped: Mapping[str, int]
    late: Histogram


class Counters(NamedTuple):
    """All counters at one time. Bytes are -1 when Redis does not say, 0 when there is no limit.

    ``eviction``: what Redis deletes when it is full, "" when it does not say.
    """

    queue_stats: list[QueueStats]
    route_stats: list[RouteStats]
    workers: list[WorkerStats]
    scheduled: int
    unsent: int
    dead_letters: int
    disabled: int
    deaths: int
    clock_steps: int
    memory_used: int
    memory_allowed: int
    eviction: str
    schedules: ScheduleStats
    causes: Mapping[str, int] = MappingProxyType({})
    """How many causes of failures were new, or came back, by ``CAUSE_NEWS``; they only grow."""


def bucket_of(seconds: float) -> int:
    """The index of the bucket of a duration."""
    return bisect_left(BUCKET_BOUNDS_SECONDS, seconds)


def format_route_field(method: str, route: str, what: str | int) -> str:
    """The counter of a route's requests; ``what``: a bucket, ``us`` or ``=`` and a status."""
    return f"{method} {route} {what}"


def parse_counters(answer: Sequence[Any]) -> Counters:
    """The answer of ``statistics/read_counters``."""
    kind_queues, requests, lengths, memory, workers, at, schedules, fields, news = answer
    return Counters._make(
        (
            sorted(map(parse_queue_stats, kind_queues)),
            group_by_route(dict_from_pairs(requests)),
            sorted(parse_worker_stats(row, float(at)) for row in workers),
            *lengths,
            *memory[:2],
            memory[2].decode(),
            parse_schedule_stats(schedules, dict_from_pairs(fields), float(at)),
            {name: int(count) for name, count in dict_from_pairs(news).items()},
        )
    )


def parse_queue_stats(row: Sequence[Any]) -> QueueStats:
    """The jobs of one kind and queue from their row."""
    name, counted, jobs = row
    kind, queue = parse_kind_queue(name.decode())
    counts = {name: int(amount) for name, amount in dict_from_pairs(counted).items()}
    runs = {outcome: build_histogram(counts, outcome) for outcome in OUTCOMES}
    return QueueStats(
        kind=kind,
        queue=queue,
        jobs=dict(zip(STATUSES, jobs, strict=True)),
        enqueued=counts.get("enqueued", 0),
        waits=build_histogram(counts, "wait"),
        runs={outcome: run for outcome, run in runs.items() if run.total},
        unrun={status: counts.get(f"unrun:{status}", 0) for status in STATUSES},
        poison=counts.get("poison", 0),
        mended={how: counts.get(f"mended:{how}", 0) for how in REPAIRS},
        breaker_trips=counts.get("breaker_trips", 0),
    )


def parse_schedule_stats(
    counts: Sequence[Any], fields: Mapping[str, str], at: float
) -> ScheduleStats:
    """The schedules, from their numbers and their counters."""
    total, idle, due, first = counts
    amounts = {name: int(amount) for name, amount in fields.items()}

    def pick(prefix: str) -> dict[str, int]:
        named = {name: amount for name, amount in amounts.items() if name.startswith(prefix)}
        return {name.removeprefix(prefix): named[name] for name in sorted(named)}

    lateness = max(at - float(first), 0.0) if first else 0.0
    late = build_histogram(amounts, "late")
    return ScheduleStats(total, idle, due, lateness, pick("made:"), pick("skipped:"), late)


def group_by_route(fields: Mapping[str, str]) -> list[RouteStats]:
    """The counters of all routes, grouped."""
    routes: dict[str, dict[str, int]] = {}
    for field, amount in fields.items():
        name, _, what = field.rpartition(" ")
        routes.setdefault(name, {})[what] = int(amount)
    return [parse_route_stats(name, routes[name]) for name in sorted(routes)]


def parse_route_stats(name: str, counts: Mapping[str, int]) -> RouteStats:
    """The requests of one route from its counters."""
    method, _, route = name.partition(" ")
    answers = {what[1:]: amount for what, amount in counts.items() if what.startswith("=")}
    return RouteStats(method, route, answers, build_histogram(counts, ""))


def build_histogram(counts: Mapping[str, int], name: str) -> Histogram:
    """The histogram whose counters have this name."""
    buckets = tuple(
        counts.get(f"{name}{place}", 0) for place in range(len(BUCKET_BOUNDS_SECONDS) + 1)
    )
    return Histogram(buckets, counts.get(name + MICROSECONDS_SUFFIX, 0) / 1e6)


def parse_worker_stats(row: Sequence[Any], at: float) -> WorkerStats:
    """One worker from its row; workers of an older version lack ``lease_seconds``."""
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
        clock_skew=float(field.get("clock_skew", 0)),
    )


def dict_from_pairs(row: Sequence[bytes]) -> dict[str, str]:
    """A mapping from names and values in turn."""
    texts = [item.decode() for item in row]
    return dict(zip(texts[::2], texts[1::2], strict=True))

"""How the jobs of each kind do, from the counters of all of its queues. Pure."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import msgspec

from project.records.counters import Histogram, QueueStats
from project.records.history import estimate_quantile


class Times(msgspec.Struct, frozen=True):
    """Quantiles of times in seconds, interpolated between powers of two; null if there are none."""

    p50: float | None
    p95: float | None
    p99: float | None


class KindCounts(msgspec.Struct, frozen=True):
    """The jobs of one kind.

    ``jobs``: how many records there are, by status. The rest is since counting began:
    ``succeeded`` and ``failed`` are jobs that ended so, ``wait`` the times until attempts began,
    ``run`` those of attempts that succeeded. ``queues``: the queues that it has used.
    """

    kind: str
    queues: list[str]
    jobs: dict[str, int]
    succeeded: int
    failed: int
    wait: Times
    run: Times


def count_kinds(shelves: Iterable[QueueStats]) -> list[KindCounts]:
    """Sum up the counters by kind, sorted by name."""
    by_name = sorted(shelves, key=lambda shelf: (shelf.kind, shelf.queue))
    groups = groupby(by_name, key=lambda shelf: shelf.kind)
    return [count_kind(kind, list(group)) for kind, group in groups]


def count_kind(kind: str, shelves: Sequence[QueueStats]) -> KindCounts:
    """Sum up the counters of one kind over its queues."""
    jobs: dict[str, int] = {}
    for shelf in shelves:
        for status, count in shelf.jobs.items():
            jobs[status] = jobs.get(status, 0) + count
    runs = [shelf.runs["success"] for shelf in shelves if "success" in shelf.runs]
    return KindCounts(
        kind=kind,
        queues=[shelf.queue for shelf in shelves],
        jobs=jobs,
        succeeded=sum(shelf.finished("success") for shelf in shelves),
        failed=sum(shelf.finished("failed") for shelf in shelves),
        wait=measure_times([shelf.waits for shelf in shelves]),
        run=measure_times(runs),
    )


def measure_times(histograms: Sequence[Histogram]) -> Times:
    """The quantiles of several histograms together."""
    counts = [sum(bucket) for bucket in zip(*(one.counts for one in histograms), strict=True)]
    return Times(*(estimate_quantile(counts, share) for share in (0.5, 0.95, 0.99)))

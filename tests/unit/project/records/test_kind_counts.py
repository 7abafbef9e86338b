"""The counts of kinds: sums over their queues, and times from histograms."""

import pytest

from project.records.counters import BUCKET_BOUNDS_SECONDS, Histogram, QueueStats, bucket_of
from project.records.kind_counts import count_kinds


def build_histogram(*seconds: float) -> Histogram:
    counts = [0] * (len(BUCKET_BOUNDS_SECONDS) + 1)
    for one in seconds:
        counts[bucket_of(one)] += 1
    return Histogram(tuple(counts), sum(seconds))


def build_shelf(kind: str, queue: str, waits: list[float], **runs: list[float]) -> QueueStats:
    jobs = {"success": len(runs.get("success", [])), "pending": 1}
    times = {outcome: build_histogram(*seconds) for outcome, seconds in runs.items()}
    return QueueStats(kind, queue, jobs, 0, build_histogram(*waits), times, {"failed": 1}, 0)


def test_the_queues_of_a_kind_are_summed_up() -> None:
    shelves = [
        build_shelf("b", "slow", [1.0], success=[0.1], failed=[5.0]),
        build_shelf("a", "celery", []),
        build_shelf("b", "celery", [2.0], success=[0.1, 0.1]),
    ]

    first, second = count_kinds(shelves)

    assert (first.kind, first.queues, first.succeeded, first.failed) == ("a", ["celery"], 0, 1)
    assert (second.kind, second.queues) == ("b", ["celery", "slow"])
    assert second.jobs == {"success": 3, "pending": 2}
    assert (second.succeeded, second.failed) == (3, 3)


def test_times_are_quantiles_of_all_queues_together_and_null_without_any() -> None:
    shelves = [
        build_shelf("a", "celery", [], success=[0.01] * 90),
        build_shelf("a", "slow", [], success=[10.0] * 10),
    ]

    (kind,) = count_kinds(shelves)

    assert kind.run.p50 == pytest.approx(0.01, rel=0.7)
    assert kind.run.p95 == pytest.approx(10, rel=0.7)
    assert (kind.wait.p50, kind.wait.p99) == (None, None)

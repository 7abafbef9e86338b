"""What ``benchmarks.comparison.driver`` calls to order jobs in lanes and under limits."""

import random
from itertools import cycle, islice

from benchmarks.stacks.kinds import nothing, pause, stamp
from benchmarks.stacks.ours import count_finished, worker_command
from benchmarks.stacks.shared import wait_for_moments
from project.celery import app
from project.job.bulk import enqueue_many
from project.records.limit import Limit, check_limit
from project.store.commands import limits

__all__ = ["count_finished", "worker_command"]


def order(count: int, lanes: list[str]) -> None:
    """Order empty jobs, each in the next of the lanes."""
    enqueue_many(nothing.s().set(lane=lane) for lane in islice(cycle(lanes), count))


def order_pauses(count: int, lanes: list[str]) -> None:
    """Order jobs that take some time, each in the next of the lanes."""
    enqueue_many(pause.s().set(lane=lane) for lane in islice(cycle(lanes), count))


def order_stamps(rate: float, seconds: float, lanes: list[str]) -> None:
    """Order jobs at a steady rate, each in any of the lanes; each records its wait."""
    for sent in wait_for_moments(rate, seconds):
        stamp.apply_async((sent,), lane=random.choice(lanes))  # noqa: S311 - no secret


def put_limit(name: str, concurrency: int | None, rate: str | None, burst: int | None) -> None:
    """Set a limit for all jobs."""
    limit = Limit(concurrency=concurrency, rate=rate, burst=burst)
    app.store.run(limits.put_limit(name, check_limit(name, limit)))

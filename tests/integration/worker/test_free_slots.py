"""A slot that becomes free is used at once."""

from statistics import median

import pytest

from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers

SOON = 0.1
"""Seconds from the end of a job to the start of the one behind it; it takes milliseconds."""

QUEUES = ["one", "two"]
"""One for each worker: an unlucky order of callbacks is drawn when a worker starts."""


@pytest.fixture(scope="module", autouse=True)
def pair(worker_pool: Workers) -> None:
    """Two workers with one slot each."""
    for worker in [worker_pool.start("--concurrency=1", f"--queues={queue}") for queue in QUEUES]:
        worker.ready()


def wait_between_two(inspector: JobInspector, queue: str) -> float:
    """Seconds in which nothing ran though a job was waiting."""
    before = kinds.hold.apply_async(queue=queue)
    behind = kinds.add.apply_async((1, 1), queue=queue)
    inspector.release(inspector.wait_until_held(before.id))
    started, ended = (
        inspector.wait_until_final(behind.id).started_at,
        inspector.wait_until_final(before.id).finished_at,
    )
    return (started or 0) - (ended or 0)


@pytest.mark.parametrize("queue", QUEUES)
def test_a_job_starts_as_soon_as_the_previous_one_ends(inspector: JobInspector, queue: str) -> None:
    waits = [wait_between_two(inspector, queue) for _ in range(7)]
    assert median(waits) < SOON, waits

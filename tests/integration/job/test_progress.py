"""How far a job is, said by a real worker."""

import time

import pytest

from project.celery import app
from project.records.record import EventFilter, Progress
from project.store.commands import events as event_commands
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers

MANY = 20_000


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker for all these tests."""
    worker_pool.start("--concurrency=1").ready()


def list_progress(job_id: str) -> list[Progress]:
    events = app.store.run(
        event_commands.replay("0-0", EventFilter(job=job_id), most=10_000)
    ).events
    return [event.progress for _, event in events if event.progress]


def test_frequent_progress_is_reduced_to_few_updates_with_the_first_and_the_last(
    inspector: JobInspector,
) -> None:
    began = time.monotonic()
    job = kinds.count.delay(MANY)
    record = inspector.wait_until_final(job.id)
    last = Progress(MANY, MANY, f"number {MANY}")
    assert (record.status, record.progress) == ("success", last)

    words = list_progress(job.id)
    assert (words[0], words[-1]) == (Progress(1, MANY, "number 1"), last)
    assert 2 <= len(words) <= 2 + (time.monotonic() - began) * 4


def test_a_failed_attempt_has_stored_its_last_progress(inspector: JobInspector) -> None:
    job = kinds.count.delay(10, fails=True)
    inspector.wait_for_status(job.id, "retrying")

    inspector.make_due(job.id)

    assert inspector.wait_until_final(job.id).attempts == 2
    assert [word.done for word in list_progress(job.id)] == [1, 10, 1, 10]


def test_a_job_that_is_called_directly_stores_no_progress(inspector: JobInspector) -> None:
    kinds.count(3)
    assert kinds.count.apply((3,)).successful()

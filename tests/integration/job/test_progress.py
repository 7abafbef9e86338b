"""How far a job is, said by a real worker."""

import time

import pytest

from project.celery import app
from project.records.record import Progress, Wanted
from project.store.commands import events as event_commands
from tests.support import kinds
from tests.support.workers import Desk, Workers

MANY = 20_000


@pytest.fixture(scope="module", autouse=True)
def worker(staff: Workers) -> None:
    """One worker for all these tests."""
    staff.hire("--concurrency=1").ready()


def told(job_id: str) -> list[Progress]:
    events = app.store.run(event_commands.replay("0-0", Wanted(job=job_id), most=10_000)).events
    return [event.progress for _, event in events if event.progress]


def test_a_job_that_says_much_is_told_little_the_first_and_the_last_word_in_it(desk: Desk) -> None:
    began = time.monotonic()
    job = kinds.count.delay(MANY)
    record = desk.final(job.id)
    last = Progress(MANY, MANY, f"number {MANY}")
    assert (record.status, record.progress) == ("success", last)
    words = told(job.id)
    assert (words[0], words[-1]) == (Progress(1, MANY, "number 1"), last)
    assert 2 <= len(words) <= 2 + (time.monotonic() - began) * 4


def test_an_attempt_that_fails_has_said_its_last_word(desk: Desk) -> None:
    job = kinds.count.delay(10, fails=True)
    desk.becomes(job.id, "retrying")
    desk.hurry(job.id)
    assert desk.final(job.id).attempts == 2
    assert [word.done for word in told(job.id)] == [1, 10, 1, 10]


def test_a_job_that_is_called_directly_tells_nobody(desk: Desk) -> None:
    kinds.count(3)
    assert kinds.count.apply((3,)).successful()

"""Jobs that somebody cancels, and what a job does at most once."""

import time

import pytest
from celery import states

from project.job.task import Job
from project.records.record import TaskStatus
from project.store.commands.attempts import Cancel
from tests.support import kinds
from tests.support.processes import is_alive
from tests.support.waiting import until
from tests.support.workers import Desk, Worker, Workers


@pytest.fixture(scope="module")
def worker(staff: Workers) -> Worker:
    return staff.hire("--concurrency=1").ready()


@pytest.mark.parametrize("kind", [kinds.hold, kinds.check, kinds.deaf], ids=lambda kind: kind.name)
def test_a_running_job_is_gone_within_two_seconds_of_its_cancellation(
    desk: Desk, worker: Worker, kind: Job
) -> None:
    job = kind.apply_async()
    pid = desk.held(job.id)
    asked_at = time.monotonic()
    assert job.cancel() is Cancel.REQUESTED
    record = desk.final(job.id, 5)
    until(lambda: kind is not kinds.deaf or not is_alive(pid), 5)
    assert time.monotonic() - asked_at < 2.5  # two seconds, and a busy machine
    assert (record.status, record.attempts, job.state) == ("cancelled", 1, states.REVOKED)
    assert record.interruptions == 0


def test_a_waiting_job_is_cancelled_at_once_and_never_starts(desk: Desk, worker: Worker) -> None:
    running, waiting = kinds.hold.delay(), kinds.add.delay(1, 2)
    pid = desk.held(running.id)
    assert waiting.cancel() is Cancel.CANCELLED
    desk.let_go(pid)
    assert desk.final(running.id).status is TaskStatus.SUCCESS
    until(lambda: not desk.queued() and desk.in_hand() == 0)
    record = desk.record(waiting.id)
    assert (record.status, record.started_at) == ("cancelled", None)


def test_a_job_that_waits_for_its_retry_is_cancelled_for_good(desk: Desk, worker: Worker) -> None:
    job = kinds.flaky.delay(5)
    desk.becomes(job.id, "retrying")
    assert job.cancel() is Cancel.CANCELLED
    assert desk.due(job.id) is None
    assert job.cancel() is Cancel.FINAL


def test_the_next_job_of_a_process_is_not_hit_by_a_late_cancellation(
    desk: Desk, worker: Worker
) -> None:
    first = kinds.add.delay(1, 2)
    desk.final(first.id)
    second = kinds.hold.delay()
    pid = desk.held(second.id)
    assert first.cancel() is Cancel.FINAL
    desk.let_go(pid)
    assert desk.final(second.id).status is TaskStatus.SUCCESS


def test_a_revoked_job_is_cancelled_too(desk: Desk, worker: Worker) -> None:
    job = kinds.hold.delay()
    desk.held(job.id)
    job.revoke(terminate=True)
    assert desk.final(job.id).status is TaskStatus.CANCELLED


def test_an_effect_whose_process_died_is_not_done_again(desk: Desk, worker: Worker) -> None:
    job = kinds.once.apply_async(kwargs={"dies": True})
    record = desk.final(job.id)
    assert (record.status, record.interruptions) == ("success", 1)
    assert desk.redis.get(f"tests:effects:{job.id}") == "1"


def test_an_effect_that_failed_is_tried_again(desk: Desk, worker: Worker) -> None:
    job = kinds.once.apply_async(kwargs={"dies": False})
    desk.becomes(job.id, "retrying")
    desk.hurry(job.id)
    assert desk.final(job.id).status is TaskStatus.SUCCESS
    assert desk.redis.get(f"tests:effects:{job.id}") == "2"


def test_a_poison_job_can_be_run_again_under_its_id(desk: Desk, worker: Worker) -> None:
    job = kinds.die.delay()
    assert desk.final(job.id, 30).status is TaskStatus.FAILED
    assert job.again()
    until(lambda: desk.record(job.id).interruptions == 6, 30)
    assert desk.final(job.id, 30).error.startswith("WorkerLostError")


def test_a_failed_job_gets_its_attempts_anew_and_its_count_goes_on(
    desk: Desk, worker: Worker
) -> None:
    job = kinds.flaky.apply_async((2,), max_retries=1)
    assert desk.final(job.id).attempts == 1
    assert job.again()
    desk.becomes(job.id, "retrying")
    desk.hurry(job.id)
    record = desk.final(job.id)
    assert (record.status, record.attempts, record.max_retries, record.result) == (
        "success", 3, 4, 3,
    )  # fmt: skip
    assert not job.again()


def test_a_waiting_job_that_was_cancelled_runs_once_with_its_new_arguments(
    desk: Desk, worker: Worker
) -> None:
    running, waiting = kinds.hold.delay(), kinds.add.delay(1, 2)
    pid = desk.held(running.id)
    waiting.cancel()
    assert waiting.again((3, 4), max_retries=1)
    assert len(desk.queued()) + desk.in_hand() == 3
    desk.let_go(pid)
    record = desk.final(waiting.id)
    assert (record.result, record.attempts, record.max_retries) == (7, 1, 1)
    until(lambda: not desk.queued() and desk.in_hand() == 0)
    assert desk.record(waiting.id) == record


@pytest.mark.parametrize(
    ("kind", "words"),
    [(kinds.overrun, "TimeLimitExceeded"), (kinds.overrun_softly, "SoftTimeLimitExceeded")],
    ids=["hard", "soft"],
)
def test_a_job_that_takes_too_long_fails_and_says_so(
    desk: Desk, worker: Worker, kind: Job, words: str
) -> None:
    record = desk.final(kind.delay().id, 20)
    assert record.status is TaskStatus.FAILED
    assert words in record.error
    assert (record.attempts, record.interruptions) == (1, 0)

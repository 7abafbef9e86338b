"""Jobs that somebody cancels, and what a job does at most once."""

import time

import pytest
from celery import states

from project.job.task import Job
from project.records.record import TaskStatus
from project.store.commands.attempts import CancelResult
from tests.support.apps import kinds
from tests.support.programs.processes import is_alive
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    return worker_pool.start("--concurrency=1").ready()


@pytest.mark.parametrize("kind", [kinds.hold, kinds.check, kinds.deaf], ids=lambda kind: kind.name)
def test_a_running_job_is_gone_within_two_seconds_of_its_cancellation(
    inspector: JobInspector, worker: WorkerProgram, kind: Job
) -> None:
    job = kind.apply_async()
    pid = inspector.wait_until_held(job.id)
    asked_at = time.monotonic()
    assert job.cancel() is CancelResult.REQUESTED

    record = inspector.wait_until_final(job.id, 5)
    wait_until(lambda: kind is not kinds.deaf or not is_alive(pid), 5)
    assert time.monotonic() - asked_at < 2.5  # two seconds, and a busy machine
    assert (record.status, record.attempts, job.state) == ("cancelled", 1, states.REVOKED)
    assert record.interruptions == 0


def test_a_waiting_job_is_cancelled_at_once_and_never_starts(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    running, waiting = kinds.hold.delay(), kinds.add.delay(1, 2)
    pid = inspector.wait_until_held(running.id)
    assert waiting.cancel() is CancelResult.CANCELLED

    inspector.release(pid)
    assert inspector.wait_until_final(running.id).status is TaskStatus.SUCCESS

    wait_until(lambda: not inspector.list_messages() and inspector.count_unacked() == 0)
    record = inspector.record(waiting.id)
    assert (record.status, record.started_at) == ("cancelled", None)


def test_a_job_that_waits_for_its_retry_is_cancelled_for_good(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.flaky.delay(5)
    inspector.wait_for_status(job.id, "retrying")

    assert job.cancel() is CancelResult.CANCELLED
    assert inspector.find_due_time(job.id) is None
    assert job.cancel() is CancelResult.FINAL


def test_a_late_cancellation_does_not_stop_the_next_job_of_a_process(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    first = kinds.add.delay(1, 2)
    inspector.wait_until_final(first.id)
    second = kinds.hold.delay()
    pid = inspector.wait_until_held(second.id)
    assert first.cancel() is CancelResult.FINAL

    inspector.release(pid)
    assert inspector.wait_until_final(second.id).status is TaskStatus.SUCCESS


def test_a_revoked_job_is_cancelled_too(inspector: JobInspector, worker: WorkerProgram) -> None:
    job = kinds.hold.delay()
    inspector.wait_until_held(job.id)

    job.revoke(terminate=True)

    assert inspector.wait_until_final(job.id).status is TaskStatus.CANCELLED


def test_an_effect_whose_process_died_is_not_repeated(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.once.apply_async(kwargs={"dies": True})
    record = inspector.wait_until_final(job.id)

    assert (record.status, record.interruptions) == ("success", 1)
    assert inspector.redis.get(f"tests:effects:{job.id}") == "1"


def test_a_failed_effect_is_tried_again(inspector: JobInspector, worker: WorkerProgram) -> None:
    job = kinds.once.apply_async(kwargs={"dies": False})
    inspector.wait_for_status(job.id, "retrying")

    inspector.make_due(job.id)

    assert inspector.wait_until_final(job.id).status is TaskStatus.SUCCESS
    assert inspector.redis.get(f"tests:effects:{job.id}") == "2"


def test_a_poison_job_can_be_retried_with_its_id(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.die.delay()
    assert inspector.wait_until_final(job.id, 30).status is TaskStatus.FAILED
    assert job.rerun()

    wait_until(lambda: inspector.record(job.id).interruptions == 6, 30)
    assert inspector.wait_until_final(job.id, 30).error.startswith("WorkerLostError")


def test_a_retried_failed_job_gets_new_attempts_and_its_count_continues(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.flaky.apply_async((2,), max_retries=1)
    assert inspector.wait_until_final(job.id).attempts == 1
    assert job.rerun()

    inspector.wait_for_status(job.id, "retrying")
    inspector.make_due(job.id)
    record = inspector.wait_until_final(job.id)

    assert (record.status, record.attempts, record.max_retries, record.result) == (
        "success", 3, 4, 3,
    )  # fmt: skip
    assert not job.rerun()


def test_a_rerun_takes_no_attempt_of_the_order_away(inspector: JobInspector) -> None:
    job = kinds.add.apply_async((1, 2), max_retries=8, countdown=60)
    job.cancel()

    assert job.rerun(countdown=60)

    assert inspector.record(job.id).max_retries == 8


def test_a_cancelled_waiting_job_that_is_rerun_runs_once_with_its_new_arguments(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    running, waiting = kinds.hold.delay(), kinds.add.delay(1, 2)
    pid = inspector.wait_until_held(running.id)
    waiting.cancel()
    assert waiting.rerun((3, 4), max_retries=1)
    assert len(inspector.list_messages()) + inspector.count_unacked() == 3

    inspector.release(pid)
    record = inspector.wait_until_final(waiting.id)
    assert (record.result, record.attempts, record.max_retries) == (7, 1, 1)

    wait_until(lambda: not inspector.list_messages() and inspector.count_unacked() == 0)
    assert inspector.record(waiting.id) == record


@pytest.mark.parametrize(
    ("kind", "words"),
    [(kinds.overrun, "TimeLimitExceeded"), (kinds.overrun_softly, "SoftTimeLimitExceeded")],
    ids=["hard", "soft"],
)
def test_a_job_over_its_time_limit_fails_with_the_reason(
    inspector: JobInspector, worker: WorkerProgram, kind: Job, words: str
) -> None:
    record = inspector.wait_until_final(kind.delay().id, 20)

    assert record.status is TaskStatus.FAILED
    assert words in record.error
    assert (record.attempts, record.interruptions) == (1, 0)

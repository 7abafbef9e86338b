"""Jobs on a real worker, seen through their records."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from project.celery import app
from project.errors import DuplicateJob, InvalidField
from project.records.record import TaskStatus
from project.store.commands import attempts as attempt_commands
from project.store.commands import queries, statistics
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker with one slot for all these tests."""
    worker_pool.start("--concurrency=1").ready()


def test_a_job_runs_and_its_record_shows_it(inspector: JobInspector) -> None:
    sent = time.time()

    job = kinds.add.delay(2, 3)
    record = inspector.wait_until_final(job.id)

    assert (record.kind, record.status, record.result) == ("tests.add", TaskStatus.SUCCESS, 5)
    assert (record.attempts, record.max_retries, record.interruptions) == (1, 3, 0)
    assert record.error == ""
    assert sent - 1 <= record.created_at <= (record.started_at or 0)
    assert (record.started_at or 0) <= (record.finished_at or 0) == record.updated_at


def test_a_finished_job_is_neither_queued_nor_unacknowledged(
    inspector: JobInspector,
) -> None:
    inspector.wait_until_final(kinds.add.delay(1, 1).id)
    wait_until(lambda: inspector.count_unacked() == 0)
    assert inspector.list_messages() == []


def test_waiting_jobs_are_counted(inspector: JobInspector) -> None:
    held = kinds.hold.delay()
    pid = inspector.wait_until_held(held.id)
    waiting = [kinds.add.delay(number, 1) for number in range(3)]
    stats = app.store.run(statistics.read_stats())
    assert (stats.queue_size, stats.worker_count) == (3, 1)
    assert (stats.status_counts["running"], stats.status_counts["pending"]) == (1, 3)

    inspector.release(pid)
    assert [inspector.wait_until_final(job.id).result for job in waiting] == [1, 2, 3]


def test_a_higher_priority_goes_first(inspector: JobInspector) -> None:
    pid = inspector.wait_until_held(kinds.hold.delay().id)
    jobs = {priority: kinds.add.apply_async((0, 0), priority=priority) for priority in (9, 0, 5)}

    inspector.release(pid)
    started = {
        inspector.wait_until_final(job.id).started_at or 0: priority
        for priority, job in jobs.items()
    }

    assert [started[at] for at in sorted(started)] == [0, 5, 9]


def test_a_kind_without_a_handler_fails_its_record(inspector: JobInspector) -> None:
    job = app.send_task("x")
    record = inspector.wait_until_final(job.id)

    assert record.status is TaskStatus.FAILED
    assert record.error == "No handler registered for task kind 'x'"
    assert record.attempts == 0


def test_a_permanent_error_fails_at_once(inspector: JobInspector) -> None:
    record = inspector.wait_until_final(kinds.hopeless.delay().id)

    assert (record.status, record.attempts, record.max_retries) == (TaskStatus.FAILED, 1, 3)
    assert "PermanentError: there is no such template" in record.error
    assert record.error.startswith("Traceback")


def test_an_invalid_field_found_by_the_job_fails_at_once(inspector: JobInspector) -> None:
    record = inspector.wait_until_final(kinds.mistaken.delay().id)
    assert (record.status, record.attempts) == (TaskStatus.FAILED, 1)
    assert "filters.month: 2026-13 is no month" in record.error


def test_invalid_arguments_are_refused_without_a_record() -> None:
    before = app.store.run(statistics.read_stats()).total_tasks

    with pytest.raises(TypeError, match="missing 1 required"):
        kinds.add.delay(1)

    assert app.store.run(statistics.read_stats()).total_tasks == before


@pytest.mark.parametrize("attempts", [0, -1])
def test_zero_attempts_are_refused(attempts: int) -> None:
    with pytest.raises(InvalidField, match="max_retries"):
        kinds.add.apply_async((1, 1), max_retries=attempts)


def test_an_id_is_accepted_once(inspector: JobInspector) -> None:
    job = kinds.add.apply_async((1, 2), task_id="taken")

    with pytest.raises(DuplicateJob):
        kinds.add.apply_async((3, 4), task_id="taken")

    assert inspector.wait_until_final(job.id).result == 3


def test_a_result_that_json_cannot_represent_fails_the_job(inspector: JobInspector) -> None:
    record = inspector.wait_until_final(kinds.shapeless.delay().id)
    assert record.status is TaskStatus.FAILED
    assert "not JSON serializable" in record.error


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_number_that_json_does_not_have_fails_the_job_and_the_lists_still_work(
    inspector: JobInspector, number: str
) -> None:
    job = kinds.endless.delay(number)
    record = inspector.wait_until_final(job.id)
    assert record.status is TaskStatus.FAILED
    assert "JSON" in record.error

    listed = app.store.run(
        queries.list_page(queries.RecordFilter(kinds=["tests.endless"]), limit=10)
    )
    assert job.id in [record.id for record in listed.records]


def test_an_exception_that_json_cannot_represent_is_kept_as_text(inspector: JobInspector) -> None:
    record = inspector.wait_until_final(kinds.raise_shapeless.delay().id)
    assert record.status is TaskStatus.FAILED
    assert "ValueError: <object object at" in record.error


def test_a_job_with_ignore_result_still_ends(inspector: JobInspector) -> None:
    record = inspector.wait_until_final(kinds.quiet.delay().id)
    assert (record.status, record.result) == (TaskStatus.SUCCESS, None)


def test_a_job_over_its_time_limit_fails(inspector: JobInspector) -> None:
    job = kinds.hold.apply_async(time_limit=0.5)
    record = inspector.wait_until_final(job.id)

    assert (record.status, record.attempts) == (TaskStatus.FAILED, 1)
    assert "TimeLimitExceeded" in record.error


def test_an_expired_job_is_not_run(inspector: JobInspector) -> None:
    job = kinds.add.apply_async((1, 1), expires=datetime.now(UTC) - timedelta(seconds=1))
    record = inspector.wait_until_final(job.id)

    assert (record.attempts, record.started_at) == (0, None)
    assert "expired" in record.error


def test_a_delayed_job_waits_in_redis_without_a_slot(inspector: JobInspector) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    later = [kinds.add.apply_async((1, 1), countdown=3600), kinds.add.apply_async((1, 1), eta=at)]
    assert inspector.wait_until_final(kinds.add.delay(1, 1).id).result == 2
    for job in later:
        assert inspector.find_due_time(job.id) == pytest.approx(at.timestamp(), abs=5)
        assert inspector.record(job.id).status is TaskStatus.PENDING
    wait_until(lambda: inspector.count_unacked() == 0)
    assert inspector.list_messages() == []
    for job in later:
        inspector.make_due(job.id)
        assert inspector.wait_until_final(job.id).result == 2


def test_a_worker_enqueues_due_jobs_by_itself(inspector: JobInspector) -> None:
    job = kinds.add.apply_async((1, 1), countdown=0.6)
    record = inspector.wait_until_final(job.id)
    assert 0.5 < (record.started_at or 0) - record.created_at < 3


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_a_job_that_postpones_itself_continues_in_the_same_attempt(
    inspector: JobInspector, seconds: float
) -> None:
    job = kinds.patient.delay(turns=3, seconds=seconds)
    record = inspector.wait_until_final(job.id)
    assert (record.status, record.result) == (TaskStatus.SUCCESS, [0, 0, 0, 0])
    assert (record.attempts, record.interruptions, record.error) == (1, 0, "")
    wait_until(lambda: inspector.count_unacked() == 0)


def test_a_postponed_job_can_be_cancelled_while_it_waits(inspector: JobInspector) -> None:
    job = kinds.patient.delay(turns=1, seconds=600.0)
    inspector.wait_for_status(job.id, "retrying")

    assert job.cancel() is attempt_commands.CancelResult.CANCELLED
    assert inspector.record(job.id).status is TaskStatus.CANCELLED
    assert inspector.find_due_time(job.id) is None

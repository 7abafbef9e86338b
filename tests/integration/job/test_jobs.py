"""Jobs on a real worker, seen through their records."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from project.celery import app
from project.errors import DuplicateJob, InvalidField
from project.records.record import TaskStatus
from project.store.commands import attempts as attempt_commands
from project.store.commands import queries, statistics
from tests.support import kinds
from tests.support.waiting import until
from tests.support.workers import Desk, Workers


@pytest.fixture(scope="module", autouse=True)
def worker(staff: Workers) -> None:
    """One worker with one slot for all these tests."""
    staff.hire("--concurrency=1").ready()


def test_a_job_goes_round_and_its_record_says_so(desk: Desk) -> None:
    sent = time.time()
    job = kinds.add.delay(2, 3)
    record = desk.final(job.id)
    assert (record.kind, record.status, record.result) == ("tests.add", TaskStatus.SUCCESS, 5)
    assert (record.attempts, record.max_retries, record.interruptions) == (1, 3, 0)
    assert record.error == ""
    assert sent - 1 <= record.created_at <= (record.started_at or 0)
    assert (record.started_at or 0) <= (record.finished_at or 0) == record.updated_at


def test_a_job_is_gone_from_the_queue_and_the_workers_hands_when_it_is_done(desk: Desk) -> None:
    desk.final(kinds.add.delay(1, 1).id)
    until(lambda: desk.in_hand() == 0)
    assert desk.queued() == []


def test_jobs_that_wait_are_counted_as_waiting(desk: Desk) -> None:
    held = kinds.hold.delay()
    pid = desk.held(held.id)
    waiting = [kinds.add.delay(number, 1) for number in range(3)]
    stats = app.store.run(statistics.stats())
    assert (stats.queue_size, stats.worker_count) == (3, 1)
    assert (stats.status_counts["running"], stats.status_counts["pending"]) == (1, 3)
    desk.let_go(pid)
    assert [desk.final(job.id).result for job in waiting] == [1, 2, 3]


def test_a_higher_priority_goes_first(desk: Desk) -> None:
    pid = desk.held(kinds.hold.delay().id)
    jobs = {priority: kinds.add.apply_async((0, 0), priority=priority) for priority in (9, 0, 5)}
    desk.let_go(pid)
    started = {desk.final(job.id).started_at or 0: priority for priority, job in jobs.items()}
    assert [started[at] for at in sorted(started)] == [0, 5, 9]


def test_a_kind_without_a_handler_fails_its_record(desk: Desk) -> None:
    job = app.send_task("x")
    record = desk.final(job.id)
    assert record.status is TaskStatus.FAILED
    assert record.error == "No handler registered for task kind 'x'"
    assert record.attempts == 0


def test_a_permanent_error_fails_at_once(desk: Desk) -> None:
    record = desk.final(kinds.hopeless.delay().id)
    assert (record.status, record.attempts, record.max_retries) == (TaskStatus.FAILED, 1, 3)
    assert "PermanentError: there is no such template" in record.error
    assert record.error.startswith("Traceback")


def test_a_wrong_field_found_in_the_job_fails_at_once(desk: Desk) -> None:
    record = desk.final(kinds.mistaken.delay().id)
    assert (record.status, record.attempts) == (TaskStatus.FAILED, 1)
    assert "filters.month: 2026-13 is no month" in record.error


def test_wrong_arguments_are_refused_before_there_is_a_record() -> None:
    before = app.store.run(statistics.stats()).total_tasks
    with pytest.raises(TypeError, match="missing 1 required"):
        kinds.add.delay(1)
    assert app.store.run(statistics.stats()).total_tasks == before


@pytest.mark.parametrize("attempts", [0, -1])
def test_no_attempts_at_all_are_refused(attempts: int) -> None:
    with pytest.raises(InvalidField, match="max_retries"):
        kinds.add.apply_async((1, 1), max_retries=attempts)


def test_an_id_is_taken_once(desk: Desk) -> None:
    job = kinds.add.apply_async((1, 2), task_id="taken")
    with pytest.raises(DuplicateJob):
        kinds.add.apply_async((3, 4), task_id="taken")
    assert desk.final(job.id).result == 3


def test_a_result_that_json_cannot_say_fails_the_job(desk: Desk) -> None:
    record = desk.final(kinds.shapeless.delay().id)
    assert record.status is TaskStatus.FAILED
    assert "not JSON serializable" in record.error


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_number_that_json_does_not_have_fails_the_job_and_breaks_no_list(
    desk: Desk, number: str
) -> None:
    job = kinds.endless.delay(number)
    record = desk.final(job.id)
    assert record.status is TaskStatus.FAILED
    assert "JSON" in record.error
    listed = app.store.run(queries.page(queries.Question(kinds=["tests.endless"]), limit=10))
    assert job.id in [record.id for record in listed.records]


def test_an_exception_that_json_cannot_say_is_kept_as_text(desk: Desk) -> None:
    record = desk.final(kinds.raise_shapeless.delay().id)
    assert record.status is TaskStatus.FAILED
    assert "ValueError: <object object at" in record.error


def test_a_job_whose_result_nobody_wants_still_ends(desk: Desk) -> None:
    record = desk.final(kinds.quiet.delay().id)
    assert (record.status, record.result) == (TaskStatus.SUCCESS, None)


def test_a_job_over_its_time_limit_fails(desk: Desk) -> None:
    job = kinds.hold.apply_async(time_limit=0.5)
    record = desk.final(job.id)
    assert (record.status, record.attempts) == (TaskStatus.FAILED, 1)
    assert "TimeLimitExceeded" in record.error


def test_an_expired_job_is_not_run(desk: Desk) -> None:
    job = kinds.add.apply_async((1, 1), expires=datetime.now(UTC) - timedelta(seconds=1))
    record = desk.final(job.id)
    assert (record.attempts, record.started_at) == (0, None)
    assert "expired" in record.error


def test_a_job_for_later_waits_in_redis_and_holds_no_slot(desk: Desk) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    later = [kinds.add.apply_async((1, 1), countdown=3600), kinds.add.apply_async((1, 1), eta=at)]
    assert desk.final(kinds.add.delay(1, 1).id).result == 2
    for job in later:
        assert desk.due(job.id) == pytest.approx(at.timestamp(), abs=5)
        assert desk.record(job.id).status is TaskStatus.PENDING
    until(lambda: desk.in_hand() == 0)
    assert desk.queued() == []
    for job in later:
        desk.hurry(job.id)
        assert desk.final(job.id).result == 2


def test_a_worker_sends_what_is_due_by_itself(desk: Desk) -> None:
    job = kinds.add.apply_async((1, 1), countdown=0.6)
    record = desk.final(job.id)
    assert 0.5 < (record.started_at or 0) - record.created_at < 3


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_a_job_that_postpones_itself_goes_on_uncounted(desk: Desk, seconds: float) -> None:
    job = kinds.patient.delay(turns=3, seconds=seconds)
    record = desk.final(job.id)
    assert (record.status, record.result) == (TaskStatus.SUCCESS, [0, 0, 0, 0])
    assert (record.attempts, record.interruptions, record.error) == (1, 0, "")
    until(lambda: desk.in_hand() == 0)


def test_a_job_that_postponed_itself_is_cancelled_while_it_waits(desk: Desk) -> None:
    job = kinds.patient.delay(turns=1, seconds=600.0)
    desk.becomes(job.id, "retrying")
    assert job.cancel() is attempt_commands.Cancel.CANCELLED
    assert desk.record(job.id).status is TaskStatus.CANCELLED
    assert desk.due(job.id) is None

"""Attempts: how many, when, and what the record says in between."""

from typing import Any

import pytest

from project.errors import InvalidField
from project.job.task import Job
from project.messages.options import MAX_ATTEMPTS
from project.records.record import TaskRecord, TaskStatus
from tasks.emails import send_email_blast
from tasks.reports import generate_report
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers

SCHEDULE = [2, 4, 8, 16, 30, 30]

REPORT = (generate_report, {"type": "summary", "filters": {}}, "Upstream data service timed out")
BLAST = (send_email_blast, {"recipients": ["a@example.com"], "template": "default"}, "refused")
FLAKY = (kinds.flaky, {"failures": 99}, "attempt 7 failed")


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One process for all jobs, so that what one leaves behind would meet the next.

    Its reports fail on purpose and no mail server listens.
    """
    worker_pool.start("--concurrency=1", CONTINUO_FAULT_RATE="1").ready()


def failed_attempts(inspector: JobInspector, job_id: str) -> list[tuple[TaskRecord, float]]:
    """The record after each attempt but the last, and the seconds until the next."""
    seen: list[tuple[TaskRecord, float]] = []
    while True:
        record = inspector.wait_for_attempts(job_id, len(seen) + 1)
        if record.is_final:
            return seen
        seen.append((record, (inspector.find_due_time(job_id) or 0) - record.updated_at))
        inspector.make_due(job_id)


@pytest.mark.parametrize(
    ("kind", "order", "words"), [REPORT, BLAST, FLAKY], ids=["report", "email_blast", "flaky"]
)
def test_retries_follow_after_2_4_8_16_30_and_30_seconds(
    inspector: JobInspector, kind: Any, order: dict[str, Any], words: str
) -> None:
    job = kind.apply_async(kwargs=order, max_retries=7)
    waits = [wait for _, wait in failed_attempts(inspector, job.id)]
    assert waits == pytest.approx(SCHEDULE, abs=0.01)

    last = inspector.record(job.id)
    assert (last.status, last.attempts, last.max_retries) == (TaskStatus.FAILED, 7, 7)
    assert last.error.startswith("Traceback")
    assert words in last.error


def test_the_record_shows_each_attempt_and_its_traceback(inspector: JobInspector) -> None:
    job = kinds.flaky.delay(2)
    between = [record for record, _ in failed_attempts(inspector, job.id)]
    assert [record.attempts for record in between] == [1, 2]
    assert {record.status for record in between} == {TaskStatus.RETRYING}
    for number, record in enumerate(between, start=1):
        assert record.error.startswith("Traceback")
        assert f"TransientError: attempt {number} failed" in record.error
        assert (record.result, record.finished_at) == (None, None)

    done = inspector.record(job.id)
    assert (done.status, done.attempts, done.result) == (TaskStatus.SUCCESS, 3, 3)
    assert "attempt 2 failed" in done.error


def test_the_record_keeps_the_error_of_each_attempt(inspector: JobInspector) -> None:
    job = kinds.flaky.apply_async((99,), max_retries=3)

    failed_attempts(inspector, job.id)
    errors = inspector.record(job.id).errors
    assert isinstance(errors, list)
    told = [(each.attempt, each.kind, each.message, each.next_delay) for each in errors]

    assert told == [
        (1, "TransientError", "attempt 1 failed", 2),
        (2, "TransientError", "attempt 2 failed", 4),
        (3, "TransientError", "attempt 3 failed", None),
    ]
    for each in errors:
        assert each.worker.startswith("w1@test/")
        assert each.traceback.startswith("Traceback")
        assert each.traceback.rstrip().endswith(each.message)
        assert not each.interrupted


def test_a_retry_without_an_exception_still_has_an_error_on_the_record(
    inspector: JobInspector,
) -> None:
    job = kinds.unready.delay()
    record = inspector.wait_for_status(job.id, TaskStatus.RETRYING)
    assert isinstance(record.errors, list)
    (failure,) = record.errors

    assert (failure.kind, failure.message) == ("Retry", "the job asked for another attempt")


def test_attempts_are_counted_per_call_and_do_not_leak(inspector: JobInspector) -> None:
    wanted = [1, 5, None, 2, None]
    jobs = [kinds.flaky.apply_async((99,), max_retries=most) for most in wanted]

    for job in jobs:
        failed_attempts(inspector, job.id)

    assert [inspector.record(job.id).attempts for job in jobs] == [1, 5, 3, 2, 3]


def test_a_limit_the_job_sets_itself_does_not_leak(inspector: JobInspector) -> None:
    stubborn = [kinds.stubborn.delay(2), kinds.stubborn.delay(4)]
    flaky = kinds.flaky.delay(99)

    for job in (*stubborn, flaky):
        failed_attempts(inspector, job.id)

    assert [inspector.record(job.id).attempts for job in (*stubborn, flaky)] == [2, 4, 3]


def test_a_blast_without_recipients_needs_no_mail_server(inspector: JobInspector) -> None:
    job = send_email_blast.delay(recipients=[], template="default")
    result = inspector.wait_until_final(job.id).result
    assert result | {"sent": 0, "template": "default", "rate": 0.0} == result


def test_a_long_traceback_keeps_its_end(inspector: JobInspector) -> None:
    record = inspector.wait_until_final(kinds.shout.apply_async((50_000,), max_retries=1).id)
    assert len(record.error) == 16_384
    assert record.error.rstrip().endswith("!the end")

    assert isinstance(record.errors, list)
    (failure,) = record.errors
    assert (len(failure.traceback), len(failure.message)) == (2_048, 500)
    assert failure.traceback.rstrip().endswith("!the end")


def test_attempts_of_a_kind_are_those_of_its_records(inspector: JobInspector) -> None:
    assert inspector.record(kinds.declared.delay().id).max_retries == 5
    assert (kinds.declared.max_retries, kinds.declared.get_max_attempts()) == (4, 5)


@pytest.mark.parametrize("attempts", [0, -1, "5", 2_000_000])
def test_a_kind_with_a_wrong_number_of_attempts_is_refused(attempts: Any) -> None:
    with pytest.raises(InvalidField, match="max_attempts"):
        type("Wrong", (Job,), {"max_attempts": attempts})


def test_a_retry_with_its_own_limit_changes_the_limit_of_the_record(
    inspector: JobInspector,
) -> None:
    job = kinds.stubborn.delay(7)

    record = inspector.wait_for_status(job.id, TaskStatus.RETRYING)

    assert (record.attempts, record.max_retries) == (1, 7)


def test_a_job_of_a_kind_without_a_limit_is_rerun(inspector: JobInspector) -> None:
    job = kinds.unlimited.apply_async(countdown=60)
    inspector.redis.hset(f"continuo:job:{job.id}", "attempts", 3)
    job.cancel()

    assert job.rerun(countdown=60)

    assert inspector.record(job.id).max_retries == MAX_ATTEMPTS

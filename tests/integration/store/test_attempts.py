"""The commands of an attempt: start, success, retry, postponement and failure."""

import json
import time

import pytest

from project.errors import StoreUnavailable
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts as attempt_commands
from project.store.commands import jobs as job_commands
from project.store.commands import maintenance, queries
from project.store.commands import workers as worker_commands
from project.store.commands.attempts import StartResult, Verdict
from tests.support.job_commands import (
    count_statuses,
    fail,
    list_messages,
    message,
    record,
    retry,
    start,
    succeed,
)


def test_a_job_goes_from_pending_over_running_to_success(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    assert start(store, "a") is StartResult.STARTED
    assert record(store, "a").status is TaskStatus.RUNNING
    assert succeed(store, "a") is Verdict.APPLIED

    done = record(store, "a")
    assert (done.status, done.attempts, done.result) == (TaskStatus.SUCCESS, 1, {"rows": 1.0})
    assert done.created_at <= (done.started_at or 0) <= (done.finished_at or 0) == done.updated_at
    assert count_statuses(store) == {"success": 1}


def test_a_retry_waits_and_then_is_queued_again(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    store.client.delete("celery")
    assert retry(store, "a", delay=60) is Verdict.APPLIED
    assert (record(store, "a").status, record(store, "a").error) == (TaskStatus.RETRYING, "boom")

    upkeep = store.run(maintenance.promote(10))
    assert upkeep.promoted == 0
    assert upkeep.next_in == pytest.approx(60, abs=2)

    store.client.zadd("continuo:scheduled", {"a": time.time() - 1})
    assert store.run(maintenance.promote(10)).promoted == 1
    assert list_messages(store) == [b"again"]
    assert start(store, "a", retries=1) is StartResult.STARTED
    assert record(store, "a").attempts == 2


def postpone(store: Store, job_id: str, token: str = "t", delay: float = 60) -> Verdict:
    again = message(job_id, text="again")
    return store.run(attempt_commands.postpone(job_id, token=token, delay=delay, message=again))


def test_a_postponed_job_waits_and_its_attempt_is_not_counted(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    store.client.delete("celery")
    assert postpone(store, "a", token="another") is Verdict.REFUSED
    assert postpone(store, "a") is Verdict.APPLIED
    assert postpone(store, "a") is Verdict.REPEATED

    waits = record(store, "a")
    assert (waits.status, waits.attempts, waits.error) == (TaskStatus.RETRYING, 0, "")
    assert store.run(maintenance.promote(10)).promoted == 0
    store.client.zadd("continuo:scheduled", {"a": time.time() - 1}, xx=True)
    assert store.run(maintenance.promote(10)).promoted == 1
    assert list_messages(store) == [b"again"]
    assert start(store, "a", token="u") is StartResult.STARTED
    assert record(store, "a").attempts == 1


def test_a_job_postponed_for_zero_seconds_goes_to_the_end_of_its_queue(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    store.client.delete("celery")

    store.run(job_commands.enqueue(message("b")))

    assert postpone(store, "a", delay=0) is Verdict.APPLIED
    assert list_messages(store) == [b"again", b"message of b"]


def test_a_job_with_a_cancel_request_is_not_postponed(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a", token="w#1")

    store.run(attempt_commands.cancel("a"))

    assert postpone(store, "a", token="w#1") is Verdict.REFUSED
    assert record(store, "a").status is TaskStatus.CANCELLED


def test_a_repeated_command_happens_once(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    assert retry(store, "a") is Verdict.APPLIED
    assert retry(store, "a") is Verdict.REPEATED

    start(store, "a", retries=1)
    assert succeed(store, "a") is Verdict.APPLIED
    assert succeed(store, "a") is Verdict.REPEATED


def test_every_command_of_a_stale_attempt_is_refused(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))

    start(store, "a", token="gone")

    assert start(store, "a", token="here") is StartResult.STARTED
    assert succeed(store, "a", token="gone") is Verdict.REFUSED
    assert retry(store, "a", token="gone") is Verdict.REFUSED
    assert fail(store, "a", token="gone") is Verdict.REFUSED
    assert record(store, "a").attempts == 1
    assert succeed(store, "a", token="here") is Verdict.APPLIED


def test_a_redelivered_message_does_not_run_the_job_again(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    retry(store, "a")
    assert start(store, "a", retries=0) is StartResult.REFUSED
    assert start(store, "a", retries=1) is StartResult.STARTED

    succeed(store, "a")
    assert start(store, "a", retries=1) is StartResult.REFUSED


def test_a_final_status_never_changes(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")

    fail(store, "a")

    assert succeed(store, "a") is Verdict.REFUSED
    assert retry(store, "a") is Verdict.REFUSED
    assert record(store, "a").status is TaskStatus.FAILED


def test_a_full_redis_refuses_new_jobs_and_finishes_accepted_ones(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    store.client.config_set("maxmemory", "1mb")

    try:
        with pytest.raises(StoreUnavailable, match="full"):
            store.run(job_commands.enqueue(message("b")))
        assert store.run(queries.read_record("b")) is None
        assert retry(store, "a", delay=0) is Verdict.APPLIED
        assert store.run(maintenance.promote(10)).promoted == 1
        assert start(store, "a", retries=1) is StartResult.STARTED
        assert succeed(store, "a") is Verdict.APPLIED
        store.run(worker_commands.renew_lease("w", 60, {"slots": 2}, first=True))
    finally:
        store.client.config_set("maxmemory", "0")

    assert json.loads(json.dumps(record(store, "a").to_dict()))["status"] == "success"
    assert list_messages(store) == [b"again", b"message of a"]

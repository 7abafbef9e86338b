"""The attempts of a job that did not work, as they stay on its record."""

import time
from typing import Any

import pytest

from project.errors import InvalidField
from project.records.record import Cause, Failure, TaskRecord, TaskStatus
from project.store.client import Store
from project.store.commands import attempts, jobs, maintenance, queries, workers
from project.store.commands.attempts import Verdict
from project.store.commands.message import Message

BROKEN = Cause("ValueError", 'no "such" \\ thing\né', "Traceback ...")


def message(job_id: str = "a") -> Message:
    return Message(job_id, "report", "celery", "m", "[[], {}]", 3)


def record(store: Store) -> TaskRecord:
    found = store.run(queries.read_record("a"))
    assert found
    return found


def failures(store: Store) -> list[Failure]:
    kept = record(store).errors
    assert isinstance(kept, list)
    return kept


def list_failures(store: Store) -> list[tuple[int, str, float | None, bool]]:
    return [
        (each.attempt, each.kind, each.next_delay, each.interrupted) for each in failures(store)
    ]


def start(store: Store, retries: int = 0, token: str = "w@host/1#1", revival: str = "") -> None:
    move = attempts.start("a", retries=retries, token=token, rerun_id=revival)
    assert store.run(move).has_begun


def retry(store: Store, delay: float = 2.0, cause: Cause = BROKEN) -> Verdict:
    return store.run(
        attempts.retry(
            "a", token="w@host/1#1", error="e", delay=delay, message=message(), cause=cause
        )
    )


def fail(store: Store, token: str = "w@host/1#1", **changes: Any) -> Verdict:
    about = {"status": TaskStatus.FAILED, "error": "e", "exception": "{}", "result_message": "{}"}
    return store.run(attempts.fail("a", token=token, **(about | {"cause": BROKEN} | changes)))


def interrupt(store: Store, cause: str = "") -> None:
    store.run(attempts.interrupt("a", token="w@host/1#1", cause=cause))


@pytest.fixture(autouse=True)
def job(store: Store) -> None:
    store.run(jobs.enqueue(message()))


def test_a_job_that_never_failed_has_no_errors_and_no_bytes_for_them(store: Store) -> None:
    start(store)

    store.run(attempts.succeed("a", token="w@host/1#1", result="1", result_message="{}"))

    assert failures(store) == []
    assert not store.client.hexists("continuo:job:a", "errors")


def test_each_failed_attempt_is_kept_with_its_details(store: Store) -> None:
    start(store)
    retry(store, delay=2.5)
    (first,) = failures(store)
    assert first == Failure(
        at=record(store).updated_at,
        attempt=1,
        worker="w@host/1",
        kind=BROKEN.kind,
        message=BROKEN.message,
        traceback=BROKEN.traceback,
        next_delay=2.5,
        started_at=record(store).started_at,
    )
    assert first.started_at is not None
    assert abs(first.at - time.time()) < 10

    start(store, retries=1)
    fail(store)
    assert failures(store)[0] == first
    assert list_failures(store) == [(1, "ValueError", 2.5, False), (2, "ValueError", None, False)]


def test_a_failure_reported_twice_is_kept_once(store: Store) -> None:
    start(store)
    assert (retry(store), retry(store)) == (Verdict.APPLIED, Verdict.REPEATED)

    start(store, retries=1)
    assert (fail(store), fail(store)) == (Verdict.APPLIED, Verdict.REPEATED)
    assert len(failures(store)) == 2


def test_a_stale_attempt_stores_no_failure(store: Store) -> None:
    start(store, token="other#1")
    assert (retry(store), fail(store)) == (Verdict.REFUSED, Verdict.REFUSED)
    assert failures(store) == []


def test_interrupted_attempts_are_kept_and_marked(store: Store) -> None:
    start(store)
    interrupt(store)
    for _ in range(3):
        start(store)
        interrupt(store, cause="signal 9 (SIGKILL)")

    lost = "WorkerLostError"

    assert list_failures(store) == [(1, lost, 0, True)] * 3 + [(1, lost, None, True)]
    assert [each.message for each in failures(store)[:2]] == [
        "the worker was stopped",
        "signal 9 (SIGKILL)",
    ]
    assert record(store).status is TaskStatus.FAILED


def test_the_attempt_of_a_dead_worker_is_kept_when_it_is_reaped(store: Store) -> None:
    store.run(workers.renew_lease("w@host/1", 60, {"slots": 1}, first=True))
    text = '{"headers": {"id": "a", "retries": 0}}'
    store.client.delete("celery")
    store.client.lpush("celery", text)
    store.run(workers.fetch("w@host/1", serial=1, most=1, done=[], lists=["celery"]))
    start(store)
    store.client.zadd("continuo:workers", {"w@host/1": time.time() - 1})
    store.client.hset("continuo:heartbeat", mapping={"last_at": time.time(), "grace_until": 0})

    store.run(maintenance.reap(60))

    assert list_failures(store) == [(1, "WorkerLostError", 0, True)]
    assert (failures(store)[0].message, failures(store)[0].worker) == (
        "worker w@host/1 died",
        "w@host/1",
    )


def test_a_job_that_failed_before_its_start_has_an_error(store: Store) -> None:
    fail(store, token="")
    assert list_failures(store) == [(0, "ValueError", None, False)]
    assert failures(store)[0].worker == ""


def test_a_cancelled_job_has_no_failure(store: Store) -> None:
    fail(store, token="", status=TaskStatus.CANCELLED)
    assert failures(store) == []


def test_earlier_failures_are_kept_when_a_job_is_rerun(store: Store) -> None:
    start(store)
    fail(store)
    assert store.run(jobs.rerun(message(), attempts=1, rerun_id="c"))

    start(store, retries=1, revival="c")
    fail(store)
    assert [each.attempt for each in failures(store)] == [1, 2]


def test_the_last_twenty_failures_are_kept(store: Store) -> None:
    for retries in range(23):
        start(store, retries=retries)
        retry(store)

    assert [each.attempt for each in failures(store)] == [*range(4, 24)]


def test_lists_leave_out_failures(store: Store) -> None:
    start(store)
    retry(store)

    (listed,) = store.run(queries.list_page(limit=5)).records

    assert "errors" not in listed.to_dict()
    assert len(record(store).to_dict()["errors"]) == 1


@pytest.mark.parametrize("delay", [float("inf"), float("nan")])
def test_an_invalid_delay_is_refused(store: Store, delay: float) -> None:
    start(store)
    with pytest.raises(InvalidField, match="is no time"):
        retry(store, delay=delay)


def test_a_full_redis_accepts_the_failure_of_a_running_job(store: Store) -> None:
    start(store)
    store.client.config_set("maxmemory", "1mb")

    try:
        assert retry(store, delay=0) is Verdict.APPLIED
        start(store, retries=1)
        interrupt(store, cause="SIGKILL")
        start(store, retries=1)
        assert fail(store) is Verdict.APPLIED
    finally:
        store.client.config_set("maxmemory", "0")

    assert len(failures(store)) == 3

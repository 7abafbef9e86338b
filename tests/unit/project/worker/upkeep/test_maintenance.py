"""Upkeep: a little at a time, as often as it is due, on a real Valkey."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from project.records.record import TaskStatus
from project.settings.values import Settings
from project.store.client import Store
from project.store.commands import attempts, jobs, queries, statistics, workers
from project.store.commands.message import Message
from project.worker.upkeep import maintenance
from project.worker.upkeep.maintenance import Maintenance


def message(job_id: str, due: float | None = None) -> Message:
    return Message(job_id, "report", "celery", f"message of {job_id}", "[[], {}]", 3, due)


def waiting(store: Store) -> int:
    return store.run(statistics.read_stats()).queue_size


@pytest.fixture
def keeping(store: Store) -> Maintenance:
    return Maintenance(store, Settings())


def test_without_due_jobs_it_looks_again_after_half_a_second(keeping: Maintenance) -> None:
    assert keeping.work() == maintenance.PROMOTE_EVERY


def test_due_jobs_are_sent_and_the_next_one_is_waited_for(
    keeping: Maintenance, store: Store
) -> None:
    store.run(jobs.enqueue(message("due", time.time() - 1)))

    store.run(jobs.enqueue(message("soon", time.time() + 0.3)))

    assert 0 < keeping.work() <= 0.3
    assert store.client.lrange("celery", 0, -1) == [b"message of due"]


def test_a_job_due_much_later_is_not_waited_for(keeping: Maintenance, store: Store) -> None:
    store.run(jobs.enqueue(message("later", time.time() + 3600)))
    assert keeping.work() == maintenance.PROMOTE_EVERY


def test_a_full_batch_is_followed_by_the_next_one_at_once(
    keeping: Maintenance, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "PROMOTE_MOST", 3)
    for number in range(7):
        store.run(jobs.enqueue(message(str(number), time.time() - 1)))

    pauses = [keeping.work() for _ in range(3)]

    assert pauses == [0.0, 0.0, maintenance.PROMOTE_EVERY]
    assert waiting(store) == 7


def dead_worker(store: Store, name: str) -> None:
    store.run(workers.renew_lease(name, 60, {"slots": 1}, first=True))
    store.client.zadd("continuo:workers", {name: time.time() - 1})


def known(store: Store) -> int:
    return store.client.zcard("continuo:workers")


def heard_of_somebody(store: Store, seconds_ago: float) -> None:
    pulse: Any = {"last_at": time.time() - seconds_ago, "grace_until": 0}
    store.client.hset("continuo:heartbeat", mapping=pulse)


def test_dead_workers_are_reaped_regularly(keeping: Maintenance, store: Store) -> None:
    heard_of_somebody(store, 0)
    dead_worker(store, "first")
    keeping.work()
    assert known(store) == 0

    dead_worker(store, "second")
    keeping.work()
    assert known(store) == 1


def test_a_new_worker_may_reap_when_other_workers_renewed_their_leases(
    keeping: Maintenance, store: Store
) -> None:
    dead_worker(store, "dead")
    heard_of_somebody(store, 1.5)

    keeping.reap()

    assert known(store) == 0


def test_after_an_outage_all_workers_get_time_to_return(keeping: Maintenance, store: Store) -> None:
    dead_worker(store, "late")
    heard_of_somebody(store, keeping.lease_seconds / 2 + 0.1)
    keeping.reap()
    keeping.reap()
    assert known(store) == 1

    mercy = float(store.client.hget("continuo:heartbeat", "grace_until") or 0)
    assert mercy == pytest.approx(time.time() + keeping.lease_seconds / 2, abs=0.5)

    store.client.hset("continuo:heartbeat", "grace_until", time.time() - 1)
    keeping.reap()
    assert known(store) == 0


@pytest.fixture
def finished(store: Store) -> Callable[[str, TaskStatus, float], None]:
    """Makes a job that came to its end some seconds ago, and to life long before."""

    def finish(job_id: str, status: TaskStatus, seconds: float) -> None:
        store.run(jobs.enqueue(message(job_id)))
        store.run(
            attempts.fail(
                job_id, token="", status=status, error="", exception="{}", result_message="{}"
            )
        )
        at = time.time() - seconds
        store.client.hset(f"continuo:job:{job_id}", "finished_at", at)
        store.client.zadd(f"continuo:index:report@celery:{status.value}", {job_id: at - 100_000})

    return finish


def test_the_status_of_a_record_decides_how_long_it_is_kept(
    store: Store, finished: Callable[[str, TaskStatus, float], None]
) -> None:
    given = Settings(retention_failed=100, retention_cancelled=1000)
    finished("old failure", TaskStatus.FAILED, 101)
    finished("young failure", TaskStatus.FAILED, 50)
    finished("old cancellation", TaskStatus.CANCELLED, 1001)
    finished("young cancellation", TaskStatus.CANCELLED, 900)
    store.run(jobs.enqueue(message("waiting")))
    store.client.zadd("continuo:index:report@celery:pending", {"waiting": 1})
    assert Maintenance(store, given).sweep() == 2

    left = store.run(queries.list_page(limit=10)).records
    assert {record.id for record in left} == {"young failure", "young cancellation", "waiting"}


def test_a_large_list_is_swept_in_parts(
    store: Store,
    finished: Callable[[str, TaskStatus, float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(maintenance, "SWEEP_MOST", 2)
    for number in range(5):
        finished(str(number), TaskStatus.FAILED, 1000 - number)

    keeping = Maintenance(store, Settings(retention_failed=100))

    assert [keeping.sweep() for _ in range(4)] == [2, 2, 1, 0]


def test_the_sweep_runs_once_a_minute(
    store: Store, finished: Callable[[str, TaskStatus, float], None]
) -> None:
    keeping = Maintenance(store, Settings(retention_failed=100))
    finished("first", TaskStatus.FAILED, 101)
    keeping.work()
    finished("second", TaskStatus.FAILED, 101)

    keeping.work()

    assert [record.id for record in store.run(queries.list_page(limit=10)).records] == ["second"]


def test_old_records_beyond_one_sweep_do_not_wait_for_the_next_minute(
    store: Store,
    finished: Callable[[str, TaskStatus, float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(maintenance, "SWEEP_MOST", 2)
    monkeypatch.setattr(maintenance, "SWEEP_AGAIN", 0.0)
    for number in range(5):
        finished(str(number), TaskStatus.FAILED, 1000 - number)
    keeping = Maintenance(store, Settings(retention_failed=100))

    for _ in range(3):
        keeping.work()

    assert store.run(queries.list_page(limit=10)).records == []

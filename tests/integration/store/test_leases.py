"""Workers with a lease, and workers that leave."""

import time

import pytest

from project.store.client import Store
from project.store.commands import jobs as job_commands
from project.store.commands import maintenance, statistics
from project.store.commands import workers as worker_commands
from tests.support.job_commands import (
    list_messages,
    message,
    start,
)


def test_workers_are_counted_while_their_lease_is_valid(store: Store) -> None:
    store.run(worker_commands.renew_lease("w1", 60, {"slots": 2}, first=True))
    store.run(worker_commands.renew_lease("w2", 60, {"slots": 4}, first=True))
    assert store.run(statistics.read_stats()).worker_count == 6

    store.client.zadd("continuo:workers", {"w1": time.time() - 1})
    assert store.run(statistics.read_stats()).worker_count == 4

    store.run(worker_commands.sign_off("w2"))
    assert store.run(statistics.read_stats()).worker_count == 0


def test_a_departed_worker_takes_no_more_jobs(store: Store) -> None:
    def fetch(serial: int) -> int:
        move = worker_commands.fetch("w", serial=serial, most=1, done=[], lists=["celery"])
        return len(store.run(move))

    store.run(worker_commands.renew_lease("w", 60, {"slots": 1}, first=True))
    store.run(job_commands.enqueue(message("a")))
    assert fetch(1) == 1

    store.run(worker_commands.sign_off("w"))
    assert list_messages(store) == [b"message of a"]
    assert fetch(2) == 0
    assert list_messages(store) == [b"message of a"]


@pytest.mark.parametrize("job_id", ['{"odd": 1}', '"a"', "null"])
def test_a_message_that_breaks_requeueing_is_not_lost(store: Store, job_id: str) -> None:
    text = f'{{"headers": {{"id": {job_id}}}}}'
    store.run(worker_commands.renew_lease("w", 60, {"slots": 1}, first=True))
    store.run(job_commands.enqueue(message("a", text=text)))
    store.run(worker_commands.fetch("w", serial=1, most=1, done=[], lists=["celery"]))

    store.client.set("continuo:job:a", "not a hash any more")

    assert store.run(worker_commands.sign_off("w")) == 1
    assert list_messages(store) == [text.encode()]
    assert store.client.hlen("continuo:unacked:w") == 0


STEP = 300
"""Seconds by which the clock of Redis is set; here all times in Redis are, the other way."""


def begin_job(store: Store) -> None:
    store.run(worker_commands.renew_lease("w", 6, {"slots": 1}, first=True))
    store.run(job_commands.enqueue(message("a")))
    assert start(store, "a", token="w#1") == "started"


def set_clock(store: Store, seconds: float) -> None:
    """What Redis has noted is by so much in the past, or in the future."""
    store.client.zincrby("continuo:workers", -seconds, "w")
    for field in ("last_at", "grace_until"):
        store.client.hincrbyfloat("continuo:heartbeat", field, -seconds)


def test_a_clock_set_forward_starts_no_job_beside_its_living_worker(store: Store) -> None:
    begin_job(store)

    set_clock(store, STEP)

    assert start(store, "a", token="v#2") == "busy"
    assert store.run(maintenance.reap(6)) == []
    assert store.run(worker_commands.renew_lease("w", 6, {"slots": 1}))
    assert start(store, "a", token="v#2") == "busy"


def test_a_clock_set_back_makes_no_lease_longer(store: Store) -> None:
    begin_job(store)

    set_clock(store, -STEP)
    store.run(maintenance.reap(6))

    ends = store.client.zscore("continuo:workers", "w")
    assert ends is not None
    assert ends - time.time() <= 6
    grace_until = float(store.client.hget("continuo:heartbeat", "grace_until") or 0)
    assert grace_until - time.time() <= 3
    assert start(store, "a", token="v#2") == "busy"
    assert store.run(statistics.read_counters()).clock_steps == 1


def test_a_dead_worker_is_noticed_after_the_clock_was_set_forward(store: Store) -> None:
    begin_job(store)
    set_clock(store, STEP)
    store.run(maintenance.reap(6))

    store.client.hset("continuo:heartbeat", "grace_until", 0)  # its time is over

    assert [dead.worker for dead in store.run(maintenance.reap(6))] == ["w"]


def test_the_difference_of_a_workers_clock_is_kept(store: Store) -> None:
    about = {"slots": 1, "host": "h", "pid": 1, "queues": "celery", "started_at": 0}

    store.run(
        worker_commands.renew_lease("w", 60, about | {"clock": time.time() - 300}, first=True)
    )

    (worker,) = store.run(worker_commands.list_workers())
    (stats,) = store.run(statistics.read_counters()).workers
    assert worker.clock_skew == pytest.approx(-300, abs=5)
    assert stats.clock_skew == worker.clock_skew

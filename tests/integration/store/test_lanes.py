"""Lanes of a queue take turns, on a real Valkey."""

from collections import Counter

import pytest

from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts, jobs, limits, queues, statistics, workers
from project.worker.upkeep.guard import Guard
from tests.support.lane_workers import LISTS, PoolProcess, build_message, order, put, read


@pytest.fixture
def process(store: Store) -> PoolProcess:
    return PoolProcess(store)


def list_state(store: Store) -> set[str]:
    """What Redis keeps of lanes."""
    marks = ("lanes:", "closed:", "waits:", "passed:", "laned", "limit_waits")
    keys = {key.decode().removeprefix("continuo:") for key in store.client.keys("continuo:*")}
    return {key for key in keys if key.startswith(marks)}


def test_the_tenant_is_the_lane_unless_the_order_names_one(store: Store) -> None:
    order(store, "a", tenant="acme")
    order(store, "b", tenant="acme", lane="night")
    order(store, "c")

    assert [read(store, job_id).lane for job_id in "abc"] == ["acme", "night", ""]


def test_lanes_take_turns(store: Store, process: PoolProcess) -> None:
    for number in range(6):
        order(store, f"a{number}", lane="a")
    for number in range(2):
        order(store, f"b{number}", lane="b")
        order(store, f"plain{number}")

    done = process.work()

    assert sorted(done[:6]) == ["a0", "a1", "b0", "b1", "plain0", "plain1"]
    assert done[6:] == ["a2", "a3", "a4", "a5"]
    assert list_state(store) == set()


def test_a_lane_that_comes_later_waits_for_one_turn(store: Store, process: PoolProcess) -> None:
    for number in range(20):
        order(store, f"a{number}", lane="a")
    process.work(10)

    order(store, "b", lane="b")

    assert "b" in process.work(2)


def test_lanes_that_come_and_go_do_not_starve_one_that_waits(
    store: Store, process: PoolProcess
) -> None:
    for number in range(3):
        order(store, f"z{number}", lane="z")
    done = []

    for number in range(20):
        order(store, f"a{number}", lane=f"a{number:02}")
        order(store, f"b{number}", lane="b")
        done += process.work(1)

    assert {"z0", "z1", "z2"} < set(done)


def test_a_weight_gives_a_lane_more_turns(store: Store, process: PoolProcess) -> None:
    for lane, weight in (("one", 1), ("two", 2), ("four", 4)):
        put(store, lane, lane=lane, weight=weight)
        store.run(jobs.enqueue_many([build_message(f"{lane}{at}", lane=lane) for at in range(500)]))

    done = process.work(700)

    turns = Counter(job_id.rstrip("0123456789") for job_id in done)
    assert turns == {"one": pytest.approx(100, 0.05), "two": pytest.approx(200, 0.05)} | {
        "four": pytest.approx(400, 0.05)
    }


def test_priorities_hold_within_a_lane(store: Store, process: PoolProcess) -> None:
    order(store, "late", lane="a", priority=9)
    order(store, "soon", lane="a", priority=3)
    order(store, "first", lane="a")
    order(store, "plain", priority=9)

    done = process.work()

    assert [job_id for job_id in done if job_id != "plain"] == ["first", "soon", "late"]
    assert "plain" in done[:2]


def test_what_a_dead_worker_held_comes_first_in_its_lane(
    store: Store, process: PoolProcess
) -> None:
    for job_id in ("a1", "a2"):
        order(store, job_id, lane="a")
    dying = PoolProcess(store, "dying")
    assert dying.take() == "a1"

    dying.die()

    assert process.work() == ["a1", "a2"]


def test_a_retry_a_rerun_and_a_delayed_job_stay_in_their_lane(store: Store) -> None:
    process = PoolProcess(store)
    order(store, "a", lane="x")
    order(store, "delayed", lane="x", delay=60)
    process.take()
    again = build_message("a")
    retry = attempts.retry("a", token="w#p1.a.1", error="e", delay=60, message=again)
    store.run(retry)

    kept = [store.client.hget(f"continuo:job:{each}", "message_list") for each in ("a", "delayed")]
    store.run(attempts.cancel("a"))
    store.run(jobs.rerun(again, attempts=1))

    assert kept == [b"celery\x06\x160\x06x"] * 2
    assert store.client.llen("celery\x06\x160\x06x") == 1


def test_a_paused_queue_hands_out_none_of_its_lanes(store: Store, process: PoolProcess) -> None:
    order(store, "a", lane="x")
    store.run(queues.pause("celery"))
    assert process.take() == ""

    store.run(queues.resume("celery"))

    assert process.take() == "a"


def test_a_worker_that_prefetches_takes_turns_too(store: Store, process: PoolProcess) -> None:
    for number in range(4):
        order(store, f"a{number}", lane="a")
        order(store, f"b{number}", lane="b")

    taken = store.run(workers.fetch("w", serial=1, most=4, done=[], lists=LISTS))

    assert Counter(name[-1] for name, _ in taken) == {"a": 2, "b": 2}
    assert store.run(workers.requeue("w", ["1", "2", "3", "4"]))
    assert len(process.work()) == 8


def test_counts_and_purges_know_the_lanes(store: Store) -> None:
    order(store, "plain")
    for lane in "abc":
        order(store, lane, lane=lane)

    (queue,) = store.run(queues.list_queues())
    stats = store.run(statistics.read_stats())
    purged = store.run(queues.purge("celery", 100))

    assert (queue.waiting, stats.queue_size, purged) == (4, 4, 4)
    assert queue.oldest
    assert {read(store, each).status for each in "abc"} == {TaskStatus.CANCELLED}
    assert store.run(statistics.read_stats()).queue_size == 0


def test_a_lane_without_messages_leaves(store: Store, process: PoolProcess) -> None:
    for number in range(100):
        order(store, f"job{number}", lane=f"lane{number}")

    process.work()

    assert list_state(store) == set()
    assert store.client.smembers("continuo:queues") == {b"celery"}


@pytest.mark.parametrize("selection", [{"queue": "celery"}, {"kind": "k"}], ids=["all", "some"])
def test_the_guard_leaves_jobs_alone_that_a_limit_holds_or_has_held(
    store: Store, process: PoolProcess, selection: dict[str, str]
) -> None:
    put(store, "first", concurrency=0, **selection)
    for job_id in ("again", "held"):
        order(store, job_id, lane="x")
    assert process.take_all() == []
    store.run(limits.delete_limit("first"))
    assert process.take() == "again"
    token, message = "w#" + process.running[0][1], build_message("again")
    store.run(attempts.postpone("again", token=token, delay=0, message=message))
    put(store, "second", tag="t", concurrency=0)
    for job_id in ("again", "held"):
        store.client.hset(f"continuo:job:{job_id}", "updated_at", "1")

    found = Guard(store).check()

    assert found == []
    assert sorted(process.work()) == ["again", "held"]


def test_the_guard_finds_messages_in_lanes_and_lanes_that_were_forgotten(store: Store) -> None:
    process = PoolProcess(store)
    put(store, "none", kind="k", concurrency=0)
    order(store, "held", lane="x")
    order(store, "forgotten", kind="other", lane="y")
    process.work(1)
    order(store, "again", kind="other", lane="y")
    store.client.delete("continuo:lanes:celery", "continuo:laned")
    for job_id in ("held", "again"):
        store.client.hset(f"continuo:job:{job_id}", "updated_at", "1")

    found = Guard(store).check()

    assert found == []
    assert process.work() == ["again"]

"""What a pending job is told: its place, and when it will start and end."""

import time
from typing import Any

import pytest

from project.records.record import ShownTask, TaskRecord
from project.settings.values import Settings
from project.store.client import Store
from project.store.commands import attempts, jobs, maintenance, queries, queues, workers
from project.store.commands.message import Message
from project.worker.upkeep.maintenance import Maintenance
from tests.support.lane_workers import PoolProcess, order, put


def enqueue(store: Store, *ids: str, kind: str = "report", **changes: Any) -> None:
    for job_id in ids:
        plain = Message(job_id, kind, "celery", "m", "[[], {}]", 3)
        store.run(jobs.enqueue(plain._replace(**changes)))


def show(store: Store, job_id: str) -> ShownTask:
    record = store.run(queries.read_with_estimate(job_id))
    assert isinstance(record, ShownTask)
    return record


def run_for(store: Store, job_id: str, seconds: float) -> None:
    """A job that has just been done."""
    store.run(attempts.start(job_id, retries=0, token="w#1"))
    store.run(attempts.succeed(job_id, token="w#1", result="1", result_message="{}"))
    at = time.time()
    times: Any = {"started_at": at - seconds, "finished_at": at}
    store.client.hset(f"continuo:job:{job_id}", mapping=times)


def prepare_measurements(store: Store) -> Store:
    """A store whose worker of two slots takes ten seconds for a report."""
    about: dict[str, Any] = {"slots": 2, "queues": "celery\nslow"}
    store.run(workers.renew_lease("w", 60, about, first=True))
    enqueue(store, "done", "done too")
    run_for(store, "done", 8)
    run_for(store, "done too", 12)
    store.client.delete("celery")
    assert store.run(maintenance.measure_durations(every=5, most=20))
    return store


def test_a_pending_job_in_a_lane_has_its_position_there(store: Store) -> None:
    prepare_measurements(store)
    enqueue(store, *(f"a{number}" for number in range(20)), tenant="a")
    enqueue(store, "b0", "b1", tenant="b")
    enqueue(store, "c0", "c1", lane="c")

    shown = {job_id: show(store, job_id) for job_id in ("a19", "b0", "b1", "c1")}

    assert [shown[job_id].position for job_id in shown] == [19, 0, 1, 1]
    starts = [each.estimate.starts_at for each in shown.values() if each.estimate]
    assert starts[1] < starts[2] < starts[0]


def test_a_queue_says_in_how_many_seconds_it_is_empty(store: Store) -> None:
    prepare_measurements(store)
    enqueue(store, *(f"a{number}" for number in range(6)))
    enqueue(store, "later", delay=3_600)
    enqueue(store, "unknown", kind="never done")
    queue = next(each for each in store.run(queues.list_queues()) if each.name == "celery")
    store.run(queues.pause("celery"))
    paused = next(each for each in store.run(queues.list_queues()) if each.name == "celery")

    assert queue.waiting == 7
    assert queue.empty_in == pytest.approx(7 * 70 / 8 / 2, abs=0.01)
    assert paused.empty_in is None


def test_a_job_in_a_lane_that_a_limit_has_closed_says_so(store: Store) -> None:
    process = PoolProcess(prepare_measurements(store))
    put(store, "none", concurrency=0)
    for job_id in ("a", "b"):
        order(store, job_id, lane="x")
    process.take_all()

    shown = show(store, "b")

    assert (shown.held_by, shown.estimate, shown.position) == ("none", None, 1)


def test_a_pending_job_has_its_position_in_its_queue(store: Store) -> None:
    enqueue(store, "a", "b", kind="report")
    enqueue(store, "c", kind="email_blast")
    enqueue(store, "other", queue="slow")
    places = [show(store, job_id).position for job_id in ("a", "b", "c", "other")]
    assert places == [0, 1, 2, 0]

    store.client.rpop("celery", 2)
    store.run(attempts.start("a", retries=0, token="w#1"))
    assert show(store, "c").position == 0  # b is in a worker's hands: nothing is before c on a list


def test_a_job_that_is_delayed_or_not_pending_has_no_position(store: Store) -> None:
    enqueue(store, "later", due=time.time() + 60)
    assert (show(store, "later").position, show(store, "later").estimate) == (None, None)

    enqueue(store, "a")
    store.run(attempts.start("a", retries=0, token="w#1"))
    assert type(store.run(queries.read_with_estimate("a"))) is TaskRecord
    assert store.run(queries.read_with_estimate("a")) == store.run(queries.read_record("a"))
    assert store.run(queries.read_with_estimate("none")) is None


def test_start_and_end_are_estimated_from_earlier_jobs(store: Store) -> None:
    prepare_measurements(store)
    enqueue(store, *"abcdef")

    now = time.time()
    first, last = show(store, "a").estimate, show(store, "f").estimate

    assert first is not None
    assert last is not None
    assert (first.starts_at - now, first.ends_at - now) == pytest.approx((0, 10), abs=2)
    assert (last.starts_at - now, last.ends_at - now) == pytest.approx((25, 35), abs=2)


def test_a_running_job_counts_as_half_done(store: Store) -> None:
    prepare_measurements(store)
    enqueue(store, *"abc")
    for job_id in "ab":
        store.run(attempts.start(job_id, retries=0, token=f"w#{job_id}"))

    store.client.rpop("celery", 2)
    estimate = show(store, "c").estimate

    assert estimate is not None
    assert estimate.starts_at - time.time() == pytest.approx(5, abs=2)


def test_without_measurements_nothing_is_estimated(store: Store) -> None:
    prepare_measurements(store)
    enqueue(store, "a")
    enqueue(store, "unknown kind", kind="email_blast")
    enqueue(store, "no worker", queue="none")
    assert show(store, "a").estimate is not None
    assert show(store, "unknown kind").estimate is None
    assert show(store, "no worker").estimate is None

    store.run(queues.pause("celery"))
    assert (show(store, "a").position, show(store, "a").estimate) == (0, None)


def test_one_of_all_workers_measures_regularly(store: Store) -> None:
    prepare_measurements(store)
    assert not store.run(maintenance.measure_durations(every=5, most=20))
    assert store.run(maintenance.measure_durations(every=0, most=20))


def test_maintenance_measures(store: Store) -> None:
    Maintenance(store, Settings()).work()
    assert store.client.exists("continuo:durations")


def test_the_cost_of_an_estimate_does_not_grow_with_the_number_of_jobs(store: Store) -> None:
    def calls() -> int:
        store.client.config_resetstat()
        show(store, "the one")
        return sum(one["calls"] for one in store.client.info("commandstats").values())

    enqueue(store, "before", "the one")
    few = calls()
    enqueue(store, *map(str, range(500)))

    assert calls() == few

"""A worker without ``-Q`` takes from every queue, also from those that come to exist."""

from typing import Any

import pytest

from project.celery import app
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import queues, workers
from project.worker.queues import MAX_QUEUES, QueueFollower
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until

POOLS = ["--concurrency=1", "--pool=threads", "--pool=solo"]


@pytest.mark.parametrize("pool", POOLS)
def test_a_queue_that_existed_and_one_that_comes_to_exist_are_taken_from(
    inspector: JobInspector, workers: Workers, pool: str
) -> None:
    before = kinds.add.apply_async((1, 2), queue="mine")
    workers.start(pool).ready()

    first = inspector.wait_until_final(before.id)
    after = kinds.add.apply_async((3, 4), queue="yours")

    assert (first.status, first.result) == (TaskStatus.SUCCESS, 3)
    assert inspector.wait_until_final(after.id).result == 7


def test_queues_that_are_excluded_or_cancelled_are_left_alone(
    inspector: JobInspector, workers: Workers, store: Store
) -> None:
    workers.start("-X", "not-x", CONTINUO_EXCLUDED_QUEUES="not-this, nor-that").ready()
    left = ("not-x", "not-this", "nor-that", "stopped")
    ids = [kinds.add.apply_async((1, 1), queue=queue).id for queue in left[:3]]
    inspector.wait_until_final(kinds.add.apply_async((1, 1), queue="stopped").id)
    inspector.app.control.cancel_consumer("stopped", reply=True)
    ids.append(kinds.add.apply_async((1, 1), queue="stopped").id)

    last = kinds.add.apply_async((1, 1), queue="taken")

    inspector.wait_until_final(last.id)
    assert {inspector.record(job_id).status for job_id in ids} == {TaskStatus.PENDING}
    wait_until(lambda: read_workers(store)["taken"] == 1)
    assert {read_workers(store)[queue] for queue in left} == {0}


def read_workers(store: Store) -> dict[str, int]:
    return {queue.name: queue.workers for queue in store.run(queues.list_queues())}


def test_a_worker_with_named_queues_takes_from_no_other(
    inspector: JobInspector, workers: Workers, store: Store
) -> None:
    workers.start("--queues=named").ready()
    other = kinds.add.apply_async((1, 1), queue="other")

    jobs = [kinds.add.apply_async((1, 1), queue="named") for _ in range(2)]

    for job in jobs:
        inspector.wait_until_final(job.id)
    wait_until(lambda: len(read_workers(store)) == 3)
    assert read_workers(store) == {"control": 1, "named": 1, "other": 0}
    assert inspector.record(other.id).status is TaskStatus.PENDING


class FakeConsumer:
    """What a follower asks of Celery's consumer."""

    cancelled_queues: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.task_consumer: Any = self
        self.queues: list[Any] = []
        self.told: list[str] = []

    def list_step_queues(self) -> set[str]:
        return set()

    def call_soon(self, _: Any, names: list[str]) -> None:
        self.told += names

    take_from = None


def test_the_number_of_queues_that_a_worker_follows_has_a_bound(store: Store) -> None:
    worker: Any = FakeConsumer()
    worker.app, worker.follows_queues, worker.excluded_queues = app, True, frozenset()
    worker.consumer = consumer = FakeConsumer()
    names = [f"queue-{number:03}" for number in range(MAX_QUEUES + 1)]
    store.client.sadd("continuo:queues", *names)
    assert store.run(workers.list_workers()) == []

    QueueFollower(worker, store).look()

    assert consumer.told == names[:MAX_QUEUES]

"""A job that runs past its hard time limit: what follows happens once."""

import pytest
import redis
from celery import chord

from project.records.record import TaskStatus
from tests.support.apps import kinds, stock
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker for all these tests."""
    worker_pool.start("--concurrency=2").ready()


def test_an_errback_is_called_once_for_a_hard_time_limit(
    inspector: JobInspector, client: redis.Redis
) -> None:
    job = kinds.overrun.apply_async(link_error=stock.note_failure.s("overdue"))

    assert inspector.wait_until_final(job.id).status is TaskStatus.FAILED
    wait_until(lambda: client.llen("overdue") >= 1)
    kinds.add.delay(1, 1).get(timeout=10)
    wait_until(lambda: inspector.count_unacked() == len(inspector.list_messages()) == 0)

    assert client.lrange("overdue", 0, -1) == [job.id]


def test_a_part_past_its_hard_time_limit_fails_the_body(
    inspector: JobInspector,
) -> None:
    body = chord([kinds.overrun.si(), kinds.add.s(1, 1)])(kinds.total.s())

    wait_until(lambda: inspector.has_record(body.id))
    assert inspector.wait_until_final(body.id).status is TaskStatus.FAILED

"""What becomes of jobs when Redis takes nothing for a while, or they end in odd ways."""

import os
import signal
import time

import pytest
import redis

from project.records.record import TaskStatus
from tests.support import kinds
from tests.support.processes import children, is_asleep
from tests.support.waiting import until
from tests.support.workers import Desk, Worker, Workers

REFUSED_SECONDS = 2.0
OUTAGE_MS = 4_000


@pytest.fixture(scope="module")
def worker(staff: Workers) -> Worker:
    return staff.hire("--concurrency=2").ready()


def test_a_result_is_kept_while_redis_refuses_writes(
    desk: Desk, worker: Worker, client: redis.Redis
) -> None:
    """NOREPLICAS stands for all that Redis says when it will take writes later."""
    job = kinds.nap.delay(1.0)
    desk.becomes(job.id, TaskStatus.RUNNING)
    client.config_set("min-replicas-to-write", 1)
    try:
        refused_since = time.monotonic()
        until(lambda: time.monotonic() - refused_since > REFUSED_SECONDS)
        assert desk.record(job.id).status is TaskStatus.RUNNING
    finally:
        client.config_set("min-replicas-to-write", 0)
    assert desk.final(job.id).status is TaskStatus.SUCCESS
    assert worker.is_running
    assert kinds.add.delay(1, 2).get(timeout=10) == 3


def test_a_time_limit_that_ends_before_the_start_is_recorded_costs_no_job(
    desk: Desk, worker: Worker, client: redis.Redis
) -> None:
    pool = children(worker.pid)
    for pid in pool:
        os.kill(pid, signal.SIGSTOP)
    jobs = [kinds.hurried.delay() for _ in pool]
    until(lambda: desk.in_hand() == len(pool) and is_asleep(worker.pid))
    client.client_pause(OUTAGE_MS)
    for pid in pool:
        os.kill(pid, signal.SIGCONT)
    records = [desk.final(job.id, 30) for job in jobs]
    assert {record.status for record in records} == {TaskStatus.SUCCESS}
    until(lambda: desk.in_hand() == len(desk.queued()) == 0)


def test_a_job_that_says_it_has_no_result_has_failed(desk: Desk, worker: Worker) -> None:
    record = desk.final(kinds.ignored.delay().id)
    assert (record.status, record.attempts) == (TaskStatus.FAILED, 1)
    assert "without a result" in record.error
    until(lambda: desk.in_hand() == 0)

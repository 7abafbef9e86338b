"""What becomes of jobs when Redis takes nothing for a while, or they end in odd ways."""

import os
import signal
import time

import pytest
import redis

from project.records.record import TaskStatus
from tests.support.apps import kinds
from tests.support.programs.processes import list_children
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until

REFUSED_SECONDS = 2.0
OUTAGE_MS = 4_000


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    return worker_pool.start("--concurrency=2").ready()


def test_a_result_is_kept_while_redis_refuses_writes(
    inspector: JobInspector, worker: WorkerProgram, client: redis.Redis
) -> None:
    """NOREPLICAS stands for all that Redis says when it will take writes later."""
    job = kinds.nap.delay(1.0)
    inspector.wait_for_status(job.id, TaskStatus.RUNNING)
    client.config_set("min-replicas-to-write", 1)

    try:
        refused_since = time.monotonic()
        wait_until(lambda: time.monotonic() - refused_since > REFUSED_SECONDS)
        assert inspector.record(job.id).status is TaskStatus.RUNNING
    finally:
        client.config_set("min-replicas-to-write", 0)

    assert inspector.wait_until_final(job.id).status is TaskStatus.SUCCESS
    assert worker.is_running
    assert kinds.add.delay(1, 2).get(timeout=10) == 3


def test_a_time_limit_shorter_than_an_outage_loses_no_job(
    inspector: JobInspector, worker: WorkerProgram, client: redis.Redis
) -> None:
    pool = list_children(worker.pid)
    for pid in pool:
        os.kill(pid, signal.SIGSTOP)
    jobs = [kinds.hurried.delay() for _ in pool]
    client.client_pause(OUTAGE_MS)
    for pid in pool:
        os.kill(pid, signal.SIGCONT)
    records = [inspector.wait_until_final(job.id, 30) for job in jobs]
    assert {record.status for record in records} == {TaskStatus.SUCCESS}
    wait_until(lambda: inspector.count_unacked() == len(inspector.list_messages()) == 0)


def test_a_job_that_raises_ignore_has_failed(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    record = inspector.wait_until_final(kinds.ignored.delay().id)
    assert (record.status, record.attempts) == (TaskStatus.FAILED, 1)
    assert "without a result" in record.error
    wait_until(lambda: inspector.count_unacked() == 0)


@pytest.mark.parametrize("how", ["exit", "interrupt", "generator"])
def test_a_job_that_leaves_its_process_fails_and_the_process_goes_on(
    inspector: JobInspector, worker: WorkerProgram, how: str
) -> None:
    pool = list_children(worker.pid)

    record = inspector.wait_until_final(kinds.leave.delay(how).id)

    assert (record.status, record.attempts, record.interruptions) == (TaskStatus.FAILED, 1, 0)
    assert "JobExit: the job raised" in record.error
    assert list_children(worker.pid) == pool


@pytest.mark.parametrize("what_dies", ["process", "worker"])
def test_a_job_acknowledged_early_fails_when_it_is_interrupted(
    inspector: JobInspector, workers: Workers, what_dies: str
) -> None:
    dying = workers.start("--concurrency=1").ready()
    job = kinds.early.delay()
    process = inspector.wait_until_held(job.id)

    os.kill(process if what_dies == "process" else dying.pid, signal.SIGKILL)
    workers.start("--concurrency=1").ready()

    record = inspector.wait_until_final(job.id, 30)
    assert (record.status, record.attempts, record.interruptions) == (TaskStatus.FAILED, 1, 0)
    assert "acks_late=False" in record.error
    wait_until(lambda: inspector.count_unacked() == len(inspector.list_messages()) == 0)


def test_a_job_acknowledged_early_fails_when_its_worker_stops(
    inspector: JobInspector, workers: Workers
) -> None:
    leaving = workers.start("--concurrency=1", DRAIN_SECONDS="0.5").ready()
    job = kinds.early.delay()
    inspector.wait_until_held(job.id)

    leaving.send(signal.SIGTERM)
    leaving.wait()

    assert inspector.record(job.id).status is TaskStatus.FAILED

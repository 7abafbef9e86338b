"""``acks_late=False``: at most once. A job that is interrupted fails and is never left running."""

import os
import re
import signal

import pytest

from project.records.record import TaskRecord
from project.store.client import Store
from project.worker.upkeep.guard import Guard
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until

POOLS = ["--pool=threads", "--pool=solo"]


def assert_failed_as_lost(record: TaskRecord, reason: str) -> None:
    assert record.status == "failed"
    assert re.match(f"WorkerLostError: ({reason})", record.error)
    assert "acks_late=False" in record.error


@pytest.mark.parametrize("pool", POOLS)
def test_the_job_of_a_killed_worker_fails(
    store: Store, inspector: JobInspector, workers: Workers, pool: str
) -> None:
    worker = workers.start(pool).ready()
    job = kinds.early.delay()
    inspector.wait_until_held(job.id)
    os.kill(worker.pid, signal.SIGKILL)
    workers.start("--concurrency=1").ready()
    wait_until(lambda: store.client.zcard("continuo:workers") == 1)

    Guard(store).check()

    # the last acknowledgement may not have been told
    assert_failed_as_lost(inspector.record(job.id), "its worker is gone|worker .* died")


@pytest.mark.parametrize("pool", POOLS)
def test_the_job_of_a_stopped_worker_fails(
    inspector: JobInspector, workers: Workers, pool: str
) -> None:
    worker = workers.start(pool, DRAIN_SECONDS="0.3").ready()
    job = kinds.early.delay()
    inspector.wait_until_held(job.id)

    worker.send(signal.SIGTERM)
    worker.wait(10)

    assert_failed_as_lost(inspector.record(job.id), "the worker was stopped")


def test_a_rerun_of_such_a_job_succeeds(inspector: JobInspector, workers: Workers) -> None:
    worker = workers.start("--pool=threads", DRAIN_SECONDS="0.3").ready()
    job = kinds.early.delay()
    inspector.wait_until_held(job.id)
    worker.send(signal.SIGTERM)
    worker.wait(10)

    assert job.rerun()
    workers.start("--pool=threads").ready()

    inspector.release(inspector.wait_until_held(job.id))
    assert inspector.wait_until_final(job.id).status == "success"

"""Processes that are killed: their jobs run again, once, and not for ever."""

import os
import signal

import pytest

from project.records.record import TaskStatus
from tests.support.apps import kinds, stock
from tests.support.programs.processes import is_alive, list_children
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import PATIENCE, wait_until


def test_the_job_of_a_killed_pool_process_is_requeued(
    inspector: JobInspector, workers: Workers
) -> None:
    workers.start("--concurrency=1").ready()
    job = kinds.hold.delay()
    first = inspector.wait_until_held(job.id)
    os.kill(first, signal.SIGKILL)
    second = inspector.wait_until_held(job.id)
    running = inspector.record(job.id)
    assert second != first
    assert (running.attempts, running.interruptions) == (1, 1)

    inspector.release(second)
    done = inspector.wait_until_final(job.id)
    assert (done.status, done.result) == (TaskStatus.SUCCESS, second)
    assert (done.attempts, done.interruptions, done.error) == (1, 1, "")

    assert isinstance(done.errors, list)
    (lost,) = done.errors
    assert (lost.interrupted, lost.attempt, lost.next_delay) == (True, 1, 0)
    assert "SIGKILL" in lost.message


def test_a_job_that_kills_its_process_fails_after_three_deaths(
    inspector: JobInspector, workers: Workers
) -> None:
    workers.start("--concurrency=1").ready()
    job = kinds.die.delay()
    record = inspector.wait_until_final(job.id, 30)
    assert (record.status, record.interruptions) == (TaskStatus.FAILED, 3)
    assert "killed its worker 3 times" in record.error
    assert "SIGKILL" in record.error
    assert kinds.add.delay(1, 2).get(timeout=10) == 3
    wait_until(lambda: inspector.count_unacked() == len(inspector.list_messages()) == 0)


@pytest.mark.parametrize("pool", ["prefork", "solo", "threads"])
def test_a_job_knows_that_its_message_was_put_back(
    inspector: JobInspector, workers: Workers, pool: str
) -> None:
    workers.start("--concurrency=1", f"--pool={pool}").ready()

    job = stock.reject_once.delay()

    assert job.get(timeout=10 * PATIENCE) == "redelivered"
    record = inspector.wait_until_final(job.id)
    assert (record.attempts, record.interruptions) == (1, 1)


@pytest.mark.parametrize(
    ("pool", "lease"), [("prefork", ""), ("solo", "2"), ("threads", "2")], ids=str
)
def test_the_job_of_a_killed_worker_is_run_by_another_within_15_seconds(
    inspector: JobInspector, workers: Workers, pool: str, lease: str
) -> None:
    options = ("--concurrency=1", f"--pool={pool}")
    pair = [workers.start(*options, LEASE_SECONDS=lease) for _ in range(2)]
    for worker in pair:
        worker.ready()
    job = kinds.hold.delay()
    first = inspector.wait_until_held(job.id)
    dying, successor = sorted(pair, key=lambda worker: first not in worker.processes())
    processes = dying.processes()
    os.kill(dying.pid, signal.SIGKILL)
    dying.wait()
    second = inspector.wait_until_held(job.id, 15)
    assert second in successor.processes()
    assert not any(is_alive(pid) for pid in processes)
    inspector.release(second)
    done = inspector.wait_until_final(job.id)
    assert (done.result, done.attempts, done.interruptions) == (second, 1, 1)
    wait_until(lambda: inspector.count_unacked() == len(inspector.list_messages()) == 0)


@pytest.mark.parametrize("pool", ["prefork", "solo", "threads"])
def test_in_every_pool_jobs_run_and_the_worker_stops_cleanly(
    inspector: JobInspector, workers: Workers, pool: str
) -> None:
    worker = workers.start("--concurrency=2", f"--pool={pool}").ready()
    sums = [kinds.add.delay(number, number) for number in range(20)]
    assert [inspector.wait_until_final(job.id).result for job in sums] == list(range(0, 40, 2))

    flaky = kinds.flaky.delay(1)
    inspector.wait_for_status(flaky.id, TaskStatus.RETRYING)
    inspector.make_due(flaky.id)
    assert inspector.wait_until_final(flaky.id).result == 2

    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert (inspector.count_unacked(), inspector.count_slots(), list_children(worker.pid)) == (
        0,
        0,
        [],
    )

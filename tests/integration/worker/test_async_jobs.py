"""``async def`` jobs: in a process of their own, and many at once in one event loop."""

import os
import signal
import time

import pytest
import redis

from project.job.task import Job
from project.records.record import TaskStatus
from tests.support.apps import kinds
from tests.support.programs.processes import list_children
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until

MANY = 200


@pytest.fixture(scope="module", params=["0", str(MANY)], ids=["one at a time", "many at once"])
def worker(worker_pool: Workers, request: pytest.FixtureRequest) -> WorkerProgram:
    return worker_pool.start("--concurrency=1", WORKER_ASYNC_JOBS=request.param).ready()


@pytest.fixture
def many(workers: Workers) -> WorkerProgram:
    """A worker with one process that runs many jobs at once."""
    return workers.start("--concurrency=1", WORKER_ASYNC_JOBS=str(MANY)).ready()


def test_a_coroutine_is_a_job_like_any_other(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.sleep.delay(0.01)

    done = inspector.wait_until_final(job.id)

    assert (done.status, done.result, done.attempts) == (TaskStatus.SUCCESS, job.id, 1)
    assert job.get(timeout=5) == job.id
    wait_until(lambda: inspector.count_unacked() == 0)


def test_a_coroutine_that_fails_is_retried(inspector: JobInspector, worker: WorkerProgram) -> None:
    job = kinds.flaky_sleep.delay()

    done = inspector.wait_until_final(job.id, 30)

    assert (done.status, done.result, done.attempts) == (TaskStatus.SUCCESS, 2, 2)
    assert "not yet" in done.errors[0].message


def test_a_cancelled_coroutine_cleans_up(
    inspector: JobInspector, worker: WorkerProgram, client: redis.Redis
) -> None:
    job = kinds.clean_up.delay()
    inspector.wait_for_status(job.id, TaskStatus.RUNNING)

    job.cancel()

    assert inspector.wait_until_final(job.id).status is TaskStatus.CANCELLED
    wait_until(lambda: client.exists(f"tests:cleaned:{job.id}"))
    assert worker.is_running


@pytest.mark.parametrize(
    ("kind", "error"),
    [(kinds.sleep_limited, "SoftTimeLimitExceeded"), (kinds.sleep_killed, "TimeLimitExceeded")],
)
def test_time_limits_end_a_coroutine(
    inspector: JobInspector, worker: WorkerProgram, kind: Job, error: str
) -> None:
    done = inspector.wait_until_final(kind.delay().id)

    assert done.status is TaskStatus.FAILED
    assert error in done.error


def test_a_coroutine_awaits_another_task(inspector: JobInspector, worker: WorkerProgram) -> None:
    job = kinds.call_other.delay()

    assert inspector.wait_until_final(job.id).result == [42, job.id]


def test_a_job_enqueued_by_a_coroutine_has_it_as_parent(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.spawn.delay()

    child = inspector.wait_until_final(job.id).result

    assert inspector.wait_until_final(child).result == 3
    assert [each.id for each in job.children] == [child]


def test_a_job_that_is_no_coroutine_runs_beside_them(
    inspector: JobInspector, many: WorkerProgram
) -> None:
    jobs = [kinds.nap.delay(0.5) for _ in range(3)]

    started = time.monotonic()
    for job in jobs:
        assert inspector.wait_until_final(job.id).status is TaskStatus.SUCCESS

    assert time.monotonic() - started < 1.4


def test_many_coroutines_run_at_once_and_know_themselves(
    inspector: JobInspector, many: WorkerProgram
) -> None:
    started = time.monotonic()
    jobs = [kinds.sleep.delay(1.0) for _ in range(MANY)]

    records = [inspector.wait_until_final(job.id, 30) for job in jobs]

    assert [record.result for record in records] == [job.id for job in jobs]
    assert time.monotonic() - started < 10
    wait_until(lambda: inspector.count_unacked() == 0)


def test_the_coroutines_of_a_killed_process_run_again(
    inspector: JobInspector, many: WorkerProgram
) -> None:
    jobs = [kinds.sleep.delay(2.0) for _ in range(20)]
    for job in jobs:
        inspector.wait_for_status(job.id, TaskStatus.RUNNING)

    os.kill(list_children(many.pid)[0], signal.SIGKILL)

    records = [inspector.wait_until_final(job.id, 40) for job in jobs]
    assert {(record.status, record.interruptions) for record in records} == {
        (TaskStatus.SUCCESS, 1)
    }


def test_a_stopping_worker_waits_for_its_coroutines(
    inspector: JobInspector, many: WorkerProgram
) -> None:
    jobs = [kinds.sleep.delay(1.0) for _ in range(20)]
    for job in jobs:
        inspector.wait_for_status(job.id, TaskStatus.RUNNING)

    many.send(signal.SIGTERM)

    assert many.wait() == 0
    assert {inspector.record(job.id).status for job in jobs} == {TaskStatus.SUCCESS}


def test_a_job_that_blocks_the_loop_is_named_with_its_stack(
    inspector: JobInspector, many: WorkerProgram
) -> None:
    job = kinds.block.delay(1.6)

    assert inspector.wait_until_final(job.id).status is TaskStatus.SUCCESS

    many.wait_for_output(f"job {job.id} blocks the event loop")
    assert "in block" in many.output

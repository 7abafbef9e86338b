"""Workers that are told to stop, or are thought dead."""

import signal
from collections.abc import Iterable

import pytest

from project.records.record import TaskStatus
from project.worker.lease import EXIT_LEASE_LOST
from tests.support.apps import kinds
from tests.support.programs.processes import is_alive
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until


def have_all_ended(pids: Iterable[int]) -> bool:
    return not any(is_alive(pid) for pid in pids)


@pytest.fixture
def worker(workers: Workers) -> WorkerProgram:
    """A worker with two slots and little time to drain."""
    return workers.start("--concurrency=2", DRAIN_SECONDS="5").ready()


def test_a_stopping_worker_finishes_running_jobs_and_takes_no_more(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.hold.delay()
    pid = inspector.wait_until_held(job.id)
    assert inspector.count_slots() == 2

    worker.send(signal.SIGTERM)
    worker.wait_for_output("Warm shutdown")
    late = kinds.add.delay(1, 2)
    inspector.release(pid)
    assert worker.wait() == 0

    done = inspector.record(job.id)
    assert (done.status, done.attempts, done.interruptions) == (TaskStatus.SUCCESS, 1, 0)
    assert inspector.record(late.id).status is TaskStatus.PENDING
    assert (len(inspector.list_messages()), inspector.count_unacked(), inspector.count_slots()) == (
        1,
        0,
        0,
    )


def test_a_second_signal_requeues_jobs_at_once_without_counting_the_attempt(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    jobs = [kinds.hold.delay(), kinds.hold.delay()]
    pids = [inspector.wait_until_held(job.id) for job in jobs]
    worker.send(signal.SIGTERM)
    worker.wait_for_output("Warm shutdown")
    worker.send(signal.SIGTERM)
    worker.wait(3)
    wait_until(lambda: have_all_ended(pids), 2)

    for job in jobs:
        record = inspector.record(job.id)
        assert (record.status, record.attempts) == (TaskStatus.PENDING, 0)
        assert record.interruptions == 1
        assert inspector.count_deaths(job.id) == 0

    assert (len(inspector.list_messages()), inspector.count_unacked()) == (2, 0)


def test_jobs_that_do_not_finish_within_the_drain_time_are_requeued(
    inspector: JobInspector, workers: Workers
) -> None:
    worker = workers.start("--concurrency=1", DRAIN_SECONDS="0.3").ready()
    job = kinds.hold.delay()
    pid = inspector.wait_until_held(job.id)

    worker.send(signal.SIGTERM)
    worker.wait(5)
    wait_until(lambda: have_all_ended([pid]), 2)

    assert (inspector.record(job.id).status, inspector.record(job.id).attempts) == (
        TaskStatus.PENDING,
        0,
    )
    assert inspector.count_deaths(job.id) == 0
    assert (len(inspector.list_messages()), inspector.count_unacked()) == (1, 0)


def test_an_attempt_of_a_worker_with_an_expired_lease_is_refused_and_the_worker_ends(
    inspector: JobInspector, workers: Workers
) -> None:
    pair = [workers.start("--concurrency=1").ready() for _ in range(2)]
    job = kinds.hold.delay()
    first = inspector.wait_until_held(job.id)
    paused, other = sorted(pair, key=lambda worker: first not in worker.processes())
    paused.send(signal.SIGSTOP)
    second = inspector.wait_until_held(job.id)
    assert second in other.processes()

    inspector.release(first)  # its main process alone is stopped: the attempt ends, too late
    wait_until(lambda: "success refused" in paused.output)
    assert inspector.record(job.id).status is TaskStatus.RUNNING

    paused.send(signal.SIGCONT)
    assert paused.wait() == EXIT_LEASE_LOST

    wait_until(lambda: have_all_ended([first]), 2)
    inspector.release(second)
    done = inspector.wait_until_final(job.id)

    assert (done.result, done.attempts, done.interruptions) == (second, 1, 1)


def test_a_worker_paused_for_less_than_its_lease_continues(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.hold.delay()
    pid = inspector.wait_until_held(job.id)
    worker.send(signal.SIGSTOP)
    lease = inspector.find_first_lease_end()
    worker.send(signal.SIGCONT)
    wait_until(lambda: inspector.find_first_lease_end() > lease)

    inspector.release(pid)

    assert inspector.wait_until_final(job.id).result == pid
    assert worker.is_running

"""Workers that are told to stop, or are thought dead."""

import signal
import time
from collections.abc import Iterable

import pytest

from project.records.record import TaskStatus
from project.worker.lease import LEASE_LOST
from project.worker.streak import QUICK
from tests.support import kinds
from tests.support.processes import is_alive
from tests.support.waiting import until
from tests.support.workers import Desk, Worker, Workers


def all_gone(pids: Iterable[int]) -> bool:
    return not any(is_alive(pid) for pid in pids)


@pytest.fixture
def worker(workers: Workers) -> Worker:
    """A worker with two slots and little time to drain."""
    return workers.hire("--concurrency=2", DRAIN_SECONDS="5").ready()


def test_a_worker_told_to_stop_finishes_what_it_runs_and_takes_no_more(
    desk: Desk, worker: Worker
) -> None:
    job = kinds.hold.delay()
    pid = desk.held(job.id)
    assert desk.slots() == 2
    worker.send(signal.SIGTERM)
    worker.hear("Warm shutdown")
    late = kinds.add.delay(1, 2)
    until(lambda: time.time() > (desk.record(job.id).started_at or 0) + QUICK)
    desk.let_go(pid)
    assert worker.wait() == 0
    done = desk.record(job.id)
    assert (done.status, done.attempts, done.interruptions) == (TaskStatus.SUCCESS, 1, 0)
    assert desk.record(late.id).status is TaskStatus.PENDING
    assert (len(desk.queued()), desk.in_hand(), desk.slots()) == (1, 0, 0)


def test_a_second_signal_gives_jobs_back_at_once_and_uncounted(desk: Desk, worker: Worker) -> None:
    jobs = [kinds.hold.delay(), kinds.hold.delay()]
    pids = [desk.held(job.id) for job in jobs]
    worker.send(signal.SIGTERM)
    worker.hear("Warm shutdown")
    worker.send(signal.SIGTERM)
    worker.wait(3)
    until(lambda: all_gone(pids), 2)
    for job in jobs:
        record = desk.record(job.id)
        assert (record.status, record.attempts) == (TaskStatus.PENDING, 0)
        assert record.interruptions == 1
        assert desk.deaths(job.id) == 0
    assert (len(desk.queued()), desk.in_hand()) == (2, 0)


def test_what_is_not_done_within_the_drain_time_is_given_back(desk: Desk, workers: Workers) -> None:
    worker = workers.hire("--concurrency=1", DRAIN_SECONDS="0.3").ready()
    job = kinds.hold.delay()
    pid = desk.held(job.id)
    worker.send(signal.SIGTERM)
    worker.wait(5)
    until(lambda: all_gone([pid]), 2)
    assert (desk.record(job.id).status, desk.record(job.id).attempts) == (TaskStatus.PENDING, 0)
    assert desk.deaths(job.id) == 0
    assert (len(desk.queued()), desk.in_hand()) == (1, 0)


def test_an_attempt_of_a_worker_thought_dead_is_refused_and_the_worker_ends(
    desk: Desk, workers: Workers
) -> None:
    pair = [workers.hire("--concurrency=1").ready() for _ in range(2)]
    job = kinds.hold.delay()
    first = desk.held(job.id)
    paused, other = sorted(pair, key=lambda worker: first not in worker.processes())
    paused.send(signal.SIGSTOP)
    second = desk.held(job.id)
    assert second in other.processes()
    desk.let_go(first)  # its main process alone is stopped: the attempt ends, too late
    until(lambda: "success refused" in paused.said)
    assert desk.record(job.id).status is TaskStatus.RUNNING
    paused.send(signal.SIGCONT)
    assert paused.wait() == LEASE_LOST
    until(lambda: all_gone([first]), 2)
    desk.let_go(second)
    done = desk.final(job.id)
    assert (done.result, done.attempts, done.interruptions) == (second, 1, 1)


def test_a_worker_paused_for_less_than_its_lease_goes_on(desk: Desk, worker: Worker) -> None:
    job = kinds.hold.delay()
    pid = desk.held(job.id)
    worker.send(signal.SIGSTOP)
    lease = desk.lease_ends()
    worker.send(signal.SIGCONT)
    until(lambda: desk.lease_ends() > lease)
    desk.let_go(pid)
    assert desk.final(job.id).result == pid
    assert worker.is_running

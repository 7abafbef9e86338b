"""A worker that loses its connection: what has begun goes on, and nothing runs twice."""

import os
import signal

import redis

from project.records.record import TaskStatus
from tests.support import kinds
from tests.support.processes import children, is_asleep
from tests.support.waiting import until
from tests.support.workers import Desk, Workers


def test_a_job_on_its_way_to_a_pool_process_is_not_given_back(
    desk: Desk, workers: Workers, client: redis.Redis
) -> None:
    worker = workers.hire("--concurrency=2").ready()
    pool = children(worker.pid)
    for pid in pool:
        os.kill(pid, signal.SIGSTOP)
    job = kinds.hold.delay()
    # it waits for jobs and for nothing else: the one it has is in the pipe to a process
    until(lambda: desk.in_hand() == len(desk.waiting()) == 1 and is_asleep(worker.pid))
    (lost,) = desk.waiting()
    client.client_kill_filter(_id=lost)
    until(lambda: desk.waiting() not in ([], [lost]))
    for pid in pool:
        os.kill(pid, signal.SIGCONT)
    desk.let_go(desk.held(job.id))
    done = desk.final(job.id)
    assert (done.status, done.attempts, done.interruptions) == (TaskStatus.SUCCESS, 1, 0)
    assert "given back" not in worker.said
    until(lambda: desk.in_hand() == len(desk.queued()) == 0)
    assert kinds.add.delay(1, 2).get(timeout=10) == 3

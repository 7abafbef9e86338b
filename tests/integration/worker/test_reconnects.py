"""A worker that loses its connection: what has begun goes on, and nothing runs twice."""

import os
import signal

import redis

from project.records.record import TaskStatus
from tests.support.apps import kinds
from tests.support.programs.processes import is_asleep, list_children
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


def test_a_job_on_its_way_to_a_pool_process_is_not_requeued(
    inspector: JobInspector, workers: Workers, client: redis.Redis
) -> None:
    worker = workers.start("--concurrency=2").ready()
    pool = list_children(worker.pid)
    for pid in pool:
        os.kill(pid, signal.SIGSTOP)
    job = kinds.hold.delay()
    # it waits for jobs and for nothing else: the one it has is in the pipe to a process
    wait_until(
        lambda: (
            inspector.count_unacked() == len(inspector.find_waiting_connection()) == 1
            and is_asleep(worker.pid)
        )
    )
    (lost,) = inspector.find_waiting_connection()
    client.client_kill_filter(_id=lost)
    wait_until(lambda: inspector.find_waiting_connection() not in ([], [lost]))
    for pid in pool:
        os.kill(pid, signal.SIGCONT)
    inspector.release(inspector.wait_until_held(job.id))
    done = inspector.wait_until_final(job.id)
    assert (done.status, done.attempts, done.interruptions) == (TaskStatus.SUCCESS, 1, 0)
    assert "given back" not in worker.output

    wait_until(lambda: inspector.count_unacked() == len(inspector.list_messages()) == 0)
    assert kinds.add.delay(1, 2).get(timeout=10) == 3

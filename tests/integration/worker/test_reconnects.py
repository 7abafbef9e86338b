"""Connections that break: what has begun goes on, and nothing runs twice."""

import redis

from project.records.record import TaskStatus
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


def kill_waiting_connections(inspector: JobInspector, client: redis.Redis) -> None:
    """Break the connections on which processes wait; returns when they wait on new ones."""
    lost = inspector.find_waiting_connections()
    for each in lost:
        client.client_kill_filter(_id=each)
    wait_until(lambda: set(inspector.find_waiting_connections()) - set(lost))


def test_a_broken_connection_neither_requeues_the_running_job_nor_stops_the_next(
    inspector: JobInspector, workers: Workers, client: redis.Redis
) -> None:
    worker = workers.start("--concurrency=2").ready()
    job = kinds.hold.delay()
    pid = inspector.wait_until_held(job.id)
    wait_until(inspector.find_waiting_connections)

    kill_waiting_connections(inspector, client)
    assert kinds.add.delay(1, 2).get(timeout=10) == 3
    inspector.release(pid)
    done = inspector.wait_until_final(job.id)

    assert (done.status, done.attempts, done.interruptions) == (TaskStatus.SUCCESS, 1, 0)
    assert worker.is_running
    wait_until(lambda: inspector.count_unacked() == len(inspector.list_messages()) == 0)

"""A waiting job belongs to no worker: it goes on elsewhere."""

import pytest
import redis

from project.records.record import TaskStatus
from project.store.commands.waits import SignalResult
from tests.support.apps import steps as kinds
from tests.support.programs.workers import JobInspector, Workers

OPTIONS = ("--concurrency=1", "--include=tests.support.apps.steps")


def test_another_worker_goes_on_with_a_job_that_waited(
    inspector: JobInspector, workers: Workers, client: redis.Redis
) -> None:
    first = workers.start(*OPTIONS).ready()
    job = kinds.approved.delay()
    inspector.wait_for_status(job.id, TaskStatus.WAITING)
    first.kill()
    assert job.signal("approval", {"approved": True, "by": "Ada"}) is SignalResult.SENT

    workers.start(*OPTIONS).ready()

    done = inspector.wait_until_final(job.id, 30)
    assert (done.result, done.interruptions) == ("Approval True Ada", 0)
    assert client.lrange(f"tests:steps:{job.id}", 0, -1) == ["ask", "act"]


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_jobs_wait_in_pools_that_are_not_processes(
    inspector: JobInspector, workers: Workers, client: redis.Redis, pool: str
) -> None:
    workers.start(*OPTIONS, f"--pool={pool}").ready()

    asked, sleeper = kinds.approved.delay(), kinds.sleepy.delay(seconds=0.1)
    inspector.wait_for_status(asked.id, TaskStatus.WAITING)
    assert asked.signal("approval", {"approved": True, "by": "Ada"}) is SignalResult.SENT

    assert inspector.wait_until_final(asked.id, 30).result == "Approval True Ada"
    assert inspector.wait_until_final(sleeper.id, 30).status is TaskStatus.SUCCESS
    assert client.lrange(f"tests:steps:{asked.id}", 0, -1) == ["ask", "act"]

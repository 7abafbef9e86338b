"""A waiting job belongs to no worker: it goes on elsewhere."""

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

"""A task runs as a job whatever its class: Celery's, the app's, or one with hooks of its own."""

from typing import Any

import pytest
import redis

from project.records.record import TaskStatus
from tests.support.apps import stock
from tests.support.programs.workers import JobInspector, Workers

TASKS = [
    stock.celery_base,
    stock.plain_base,
    stock.job_base,
    stock.counted,
    stock.job_counted,
]


@pytest.fixture(params=["prefork", "threads"])
def worker(request: pytest.FixtureRequest, workers: Workers) -> None:
    """A worker whose pool processes claim jobs, and one to which Celery's consumer delivers."""
    workers.start("--concurrency=2", f"--pool={request.param}").ready()


@pytest.mark.usefixtures("worker")
def test_a_task_of_any_class_ends_with_its_result(inspector: JobInspector) -> None:
    jobs = [task.delay() for task in TASKS]

    assert [job.get(timeout=10) for job in jobs] == [1] * len(TASKS)
    records = [inspector.wait_until_final(job.id) for job in jobs]
    assert {record.status for record in records} == {TaskStatus.SUCCESS}


@pytest.mark.usefixtures("worker")
def test_a_before_start_of_ones_own_runs_once_an_attempt(client: redis.Redis) -> None:
    jobs = [stock.celery_base.delay(1), stock.job_base.delay()]
    assert [job.get(timeout=10) for job in jobs] == [2, 1]

    begun = [client.lrange(f"began:{job.id}", 0, -1) for job in jobs]

    assert begun == [["tests.celery_base"] * 2, ["tests.job_base"]]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("task", [stock.celery_base, stock.counted], ids=["function", "class"])
def test_a_task_of_celerys_class_is_retried(task: Any, inspector: JobInspector) -> None:
    job = task.delay(1)

    assert job.get(timeout=10) == 2
    assert inspector.wait_until_final(job.id).attempts == 2

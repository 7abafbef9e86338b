"""A broker and a worker are killed and started again under pytest-celery."""

import pytest
from pytest_celery import CeleryTestSetup

from project.errors import StoreUnavailable
from project.records.record import TaskStatus
from tests.support.programs.workers import JobInspector
from tests.support.waiting import wait_until


def test_a_job_runs_and_returns_its_result(celery_setup: CeleryTestSetup) -> None:
    assert celery_setup.ready(control=True)

    job = celery_setup.app.send_task("tests.add", (2, 3))
    assert job.get(timeout=10) == 5
    assert job.record.status is TaskStatus.SUCCESS
    celery_setup.worker.assert_log_exists(f"tests.add[{job.id}] succeeded", timeout=5)


def test_a_job_survives_the_death_of_its_worker(
    celery_setup: CeleryTestSetup, inspector: JobInspector
) -> None:
    job = celery_setup.app.send_task("tests.hold")
    first = inspector.wait_until_held(job.id)
    celery_setup.worker.kill()
    celery_setup.worker.restart()
    second = inspector.wait_until_held(job.id)
    assert second != first

    inspector.release(second)
    assert job.get(timeout=10) == second
    assert (job.record.attempts, job.record.interruptions) == (1, 1)


def test_records_and_waiting_jobs_survive_the_death_of_the_broker(
    celery_setup: CeleryTestSetup, inspector: JobInspector
) -> None:
    broker, worker, app = celery_setup.broker, celery_setup.worker, celery_setup.app
    done = app.send_task("tests.add", (1, 1))
    assert done.get(timeout=10) == 2

    worker.kill()
    record = done.record
    queued = app.send_task("tests.add", (20, 22))
    later = app.send_task("tests.add", (1, 1), countdown=3600)
    broker.kill()
    with pytest.raises(StoreUnavailable):
        app.send_task("tests.add", (1, 1))

    broker.restart()
    assert done.record == record
    assert queued.record.status is later.record.status is TaskStatus.PENDING

    worker.restart()
    assert queued.get(timeout=10) == 42
    assert later.record.status is TaskStatus.PENDING
    assert inspector.find_due_time(later.id) == pytest.approx(record.created_at + 3600, abs=60)


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
def test_a_worker_continues_without_help_when_the_broker_is_back(
    celery_setup: CeleryTestSetup, how: str
) -> None:
    broker, worker, app = celery_setup.broker, celery_setup.worker, celery_setup.app
    pid = worker.container.program.pid
    assert app.send_task("tests.add", (1, 1)).get(timeout=10) == 2

    broker.kill(how)
    broker.restart()
    job = app.send_task("tests.add", (20, 22))
    wait_until(lambda: job.record.status is TaskStatus.SUCCESS, 5)

    assert worker.container.program.pid == pid
    assert worker.container.status == "running"

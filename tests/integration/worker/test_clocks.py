"""Whether a job is too late, or early, is judged by the clock of Redis."""

from datetime import UTC, datetime, timedelta

import pytest
import redis

from project.celery import app
from project.records.record import TaskStatus
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.schedules.clock import set_running_clock


@pytest.fixture(scope="module", params=["prefork", "threads"], autouse=True)
def worker(worker_pool: Workers, request: pytest.FixtureRequest) -> None:
    """A worker whose scripts have a clock that a test moves."""
    pool = f"--pool={request.param}"
    worker_pool.start(pool, CONTINUO_TASKS="tests.support.apps.moved_clock").ready()


@pytest.fixture(params=[-1, 1], ids=["behind", "ahead"])
def hours(client: redis.Redis, request: pytest.FixtureRequest) -> timedelta:
    """By how much the clock of Redis differs from those of worker and sender."""
    moved = timedelta(hours=request.param)
    set_running_clock(client, (datetime.now(UTC) + moved).timestamp())
    return moved


def test_a_job_expires_by_the_clock_of_redis(inspector: JobInspector, hours: timedelta) -> None:
    expires = datetime.now(UTC) + hours
    late = kinds.add.apply_async((1, 1), expires=expires - timedelta(minutes=5))
    in_time = kinds.add.apply_async((1, 1), expires=expires + timedelta(minutes=5))

    assert inspector.wait_until_final(late.id).status is TaskStatus.FAILED
    assert "expired" in inspector.record(late.id).error
    assert inspector.wait_until_final(in_time.id).status is TaskStatus.SUCCESS


def test_seconds_to_live_do_not_depend_on_the_clock_of_the_sender(
    inspector: JobInspector, monkeypatch: pytest.MonkeyPatch, client: redis.Redis
) -> None:
    client.delete("tests:clock")
    now = datetime.now(UTC)
    monkeypatch.setattr(app, "now", lambda: now - timedelta(hours=1))

    job = kinds.add.apply_async((1, 1), expires=600)

    assert inspector.wait_until_final(job.id).status is TaskStatus.SUCCESS

"""Plain Celery on the same queues: its clients and its workers need nothing of ours."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from project.records.record import TaskStatus
from tests.support.apps import kinds
from tests.support.programs.processes import Program
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


@pytest.fixture
def plain_client(workers: Workers) -> Iterator[Celery]:
    """A stock client on our broker."""
    with Celery("plain", broker=workers.url, backend=workers.url, set_as_current=False) as app:
        yield app


def test_our_worker_runs_jobs_of_a_stock_client(
    inspector: JobInspector, workers: Workers, plain_client: Celery
) -> None:
    workers.start("--concurrency=1").ready()

    job = plain_client.send_task("tests.add", (2, 3))
    wait_until(lambda: inspector.has_record(job.id))
    record = inspector.wait_until_final(job.id)

    assert (record.kind, record.status, record.result) == ("tests.add", TaskStatus.SUCCESS, 5)
    assert (record.attempts, record.max_retries) == (1, 3)
    assert (record.started_at or 0) >= record.created_at


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_our_worker_runs_jobs_of_an_old_protocol_and_compressed_ones(
    pool: str, inspector: JobInspector, workers: Workers, plain_client: Celery
) -> None:
    workers.start("--concurrency=1", f"--pool={pool}").ready()
    settings: list[dict[str, Any]] = [
        {"task_protocol": 1},
        {"task_compression": "gzip"},
        {"task_compression": "bzip2"},
        {"task_protocol": 1, "task_compression": "zlib"},
    ]

    for changes in settings:
        with Celery("old", broker=workers.url, set_as_current=False) as old_client:
            old_client.conf.update(changes)
            job = old_client.send_task("tests.add", (2,), {"y": 3})
        wait_until(lambda job=job: inspector.has_record(job.id))  # type: ignore[misc]
        record = inspector.wait_until_final(job.id)
        assert (record.status, record.result) == (TaskStatus.SUCCESS, 5)


def test_an_old_client_gets_its_retries(
    inspector: JobInspector, workers: Workers, plain_client: Celery
) -> None:
    workers.start("--concurrency=1").ready()
    plain_client.conf.task_protocol = 1
    job = plain_client.send_task("tests.flaky", kwargs={"failures": 1})
    wait_until(lambda: inspector.has_record(job.id))
    inspector.wait_for_status(job.id, TaskStatus.RETRYING)

    inspector.make_due(job.id)

    assert inspector.wait_until_final(job.id).result == 2


def test_a_retry_of_a_stock_clients_job_is_on_the_record(
    inspector: JobInspector, workers: Workers, plain_client: Celery
) -> None:
    workers.start("--concurrency=1").ready()
    job = plain_client.send_task("tests.flaky", kwargs={"failures": 1})
    wait_until(lambda: inspector.has_record(job.id))
    waiting = inspector.wait_for_attempts(job.id, 1)
    assert waiting.status is TaskStatus.RETRYING
    assert inspector.find_due_time(job.id) == pytest.approx(waiting.updated_at + 2, abs=0.01)

    inspector.make_due(job.id)
    assert inspector.wait_until_final(job.id).result == 2


def test_a_stock_worker_runs_our_jobs(
    inspector: JobInspector, workers: Workers, plain_client: Celery
) -> None:
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "tests.support.apps.stock_celery",
        "worker",
        "--pool=solo",
    ]
    command += ["--loglevel=INFO", "--without-mingle", "--without-gossip"]
    plain = Program(command, workers.folder / "plain.log", {"REDIS_URL": workers.url})

    try:
        plain.wait_for_output(" ready.")
        ours = kinds.add.delay(20, 22)
        assert plain_client.AsyncResult(ours.id).get(timeout=10) == 42
    finally:
        plain.kill()

    assert inspector.list_messages() == []

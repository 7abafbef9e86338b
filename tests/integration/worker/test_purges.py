"""What ``celery purge`` throws away is cancelled, with the reason on the record."""

import json
import subprocess
import sys
from typing import Any

import pytest
from celery import chord

from project.job.bulk import enqueue_many
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts, queues
from tests.support.apps import kinds
from tests.support.programs.processes import ROOT
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until

REASON = "cancelled: its message was purged"
MORE_THAN_ONE_BATCH = 1_100


def test_a_purge_cancels_the_jobs_of_the_messages(store: Store, inspector: JobInspector) -> None:
    jobs = enqueue_many(kinds.add.s(1, 1) for _ in range(MORE_THAN_ONE_BATCH))
    urgent = kinds.add.apply_async((1, 1), priority=9)

    count = inspector.app.control.purge()

    records = [inspector.record(job.id) for job in (*jobs, urgent)]
    assert count == MORE_THAN_ONE_BATCH + 1
    assert {(record.status, record.error) for record in records} == {("cancelled", REASON)}
    assert inspector.list_messages() == []
    assert inspector.app.AsyncResult(urgent.id).state == "REVOKED"


def test_the_program_purges_a_queue_of_ones_own(store: Store, inspector: JobInspector) -> None:
    job = kinds.add.apply_async((1, 1), queue="mine")
    other = kinds.add.delay(1, 1)

    command = [sys.executable, "-m", "celery", "-A", "project", "purge", "-f", "-Q", "mine"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert "Purged 1 message from 1 known task queue." in done.stdout, done
    assert inspector.record(job.id).error == REASON
    assert inspector.record(other.id).status is TaskStatus.PENDING


def test_a_purge_leaves_jobs_that_do_not_wait_for_the_message(
    store: Store, inspector: JobInspector
) -> None:
    running, delayed = kinds.add.delay(1, 1), kinds.add.apply_async((1, 1), countdown=600)
    store.run(attempts.start(running.id, retries=0, token="w#1"))
    rerun = kinds.add.delay(1, 1)
    old_message = inspector.redis.lindex("celery", 0)
    rerun.cancel()
    assert rerun.rerun(countdown=600)
    inspector.redis.lpush("celery", "no JSON", json.dumps({"headers": {"id": 7}}), str(old_message))

    inspector.app.control.purge()

    statuses = [inspector.record(job.id).status for job in (running, delayed, rerun)]
    assert statuses == ["running", "pending", "pending"]
    assert inspector.list_messages() == []


def test_a_purge_leaves_the_rest_of_a_canvas_to_be_told(
    store: Store, inspector: JobInspector, worker_pool: Workers
) -> None:
    body = chord([kinds.add.s(1, 1), kinds.add.s(2, 2)])(kinds.total.s())
    parts = [part.id for part in body.parent.results]
    inspector.app.AsyncResult(parts[0]).cancel()

    count = inspector.app.control.purge()

    assert count == 1
    worker_pool.start("--concurrency=1").ready()
    wait_until(lambda: inspector.has_record(body.id))
    assert inspector.record(body.id).status is TaskStatus.FAILED
    assert inspector.list_messages() == []


@pytest.fixture
def waiting(store: Store) -> list[Any]:
    """Ten jobs; the messages of all are on the list."""
    return [kinds.add.delay(1, number) for number in range(10)]


def test_the_messages_of_ended_jobs_are_removed_and_the_order_stays(
    store: Store, inspector: JobInspector, waiting: list[Any]
) -> None:
    for job in waiting[::3]:
        job.cancel()

    offsets, offset = [], 0
    while offset is not None:
        offset = store.run(queues.drop_finished("celery", offset, 4))
        offsets.append(offset)

    left = [json.loads(text)["headers"]["id"] for text in inspector.list_messages()]
    assert left == [job.id for at, job in reversed(list(enumerate(waiting))) if at % 3]
    assert offsets == [2, 5, None]


def test_a_walk_goes_on_after_a_part_of_which_nothing_is_left(
    store: Store, inspector: JobInspector, waiting: list[Any]
) -> None:
    for job in waiting:
        job.cancel()

    offset = store.run(queues.drop_finished("celery", 0, 4))

    assert (offset, len(inspector.list_messages())) == (0, 6)

"""Jobs that end in Redis, while no process runs them: what follows in their canvas ends too."""

import pytest
import redis
from celery import chain, chord

from project.records.record import TaskStatus
from tests.support.apps import kinds, stock
from tests.support.programs.workers import UNWATCHED_QUEUE, JobInspector, Workers
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", autouse=True, params=["prefork", "threads"])
def worker(request: pytest.FixtureRequest, worker_pool: Workers) -> str:
    """One worker whose processes claim jobs, then one to which Celery's consumer delivers."""
    worker_pool.stop()
    worker_pool.start("--concurrency=2", f"--pool={request.param}").ready()
    pool: str = request.param
    return pool


def wait_until_failed(job_id: str, inspector: JobInspector) -> None:
    wait_until(lambda: inspector.has_record(job_id))
    assert inspector.wait_until_final(job_id).status is TaskStatus.FAILED


@pytest.mark.parametrize("waits", ["for its time", "in its queue"])
def test_a_cancelled_part_of_a_chord_fails_its_body(
    waits: str, inspector: JobInspector, client: redis.Redis, worker: str
) -> None:
    job_id = f"part-{waits[:3]}-{worker}"
    options = {"countdown": 600} if waits == "for its time" else {"queue": UNWATCHED_QUEUE}
    part = kinds.add.s(1, 1).set(task_id=job_id, **options)
    body = chord([part, kinds.add.s(2, 2)])(kinds.total.s())

    assert client.exists(f"continuo:job:{job_id}")
    kinds.app.AsyncResult(job_id).cancel()
    for message in inspector.list_messages(UNWATCHED_QUEUE):
        client.lpush("celery", message)

    wait_until_failed(body.id, inspector)
    wait_until(lambda: client.lrange(f"revoked:{job_id}", 0, -1) == ["once"])


def test_a_cancelled_link_fails_the_rest_of_its_chain_and_calls_its_errback(
    inspector: JobInspector, client: redis.Redis, worker: str
) -> None:
    key = f"cancelled-links-{worker}"
    errback = stock.note_failure.s(key)
    first = kinds.add.s(1, 1).set(countdown=600, link_error=[errback])
    last = chain(first, kinds.add.s(1), kinds.add.s(2))()

    last.parent.parent.cancel()

    for link in (last.parent, last):
        wait_until_failed(link.id, inspector)
    wait_until(lambda: client.lrange(key, 0, -1) == [last.parent.parent.id])


def test_a_cancelled_running_part_fails_the_body_of_its_chord(
    inspector: JobInspector, worker: str
) -> None:
    job_id = f"held-part-{worker}"
    parts = [kinds.check.si().set(task_id=job_id), kinds.add.s(1, 1)]
    body = chord(parts)(kinds.total.s())
    inspector.wait_until_held(job_id)

    kinds.app.AsyncResult(job_id).cancel()

    wait_until_failed(body.id, inspector)
    assert inspector.record(job_id).status is TaskStatus.CANCELLED


def test_an_expired_part_fails_the_body_of_its_chord(inspector: JobInspector) -> None:
    part = kinds.add.s(1, 1).set(expires=0.001, countdown=1)
    body = chord([part, kinds.add.s(1, 1)])(kinds.total.s())

    wait_until_failed(body.id, inspector)


def test_a_cancelled_replacement_fails_the_body_of_its_chord(
    inspector: JobInspector, worker: str
) -> None:
    first, job_id = f"first-{worker}", f"replaced-{worker}"
    by = chain(kinds.hold.si().set(task_id=first), kinds.add.si(1, 1))
    parts = [stock.replace.s(by=by).set(task_id=job_id), kinds.add.s(1, 1)]
    body = chord(parts)(kinds.total.s())
    pid = inspector.wait_until_held(first)

    kinds.app.AsyncResult(job_id).cancel()
    inspector.release(pid)

    wait_until_failed(body.id, inspector)

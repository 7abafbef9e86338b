"""``AsyncResult`` and the record are one thing seen twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import states
from celery.exceptions import NotRegistered
from celery.exceptions import TimeoutError as NotInTime

from project.celery import app
from project.errors import PermanentError, TransientError
from project.records.record import CELERY_STATE, TaskStatus
from tests.support.apps import kinds
from tests.support.programs.workers import UNWATCHED_QUEUE, JobInspector, Workers
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker for all these tests."""
    worker_pool.start("--concurrency=2").ready()


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """A thread that may wait for a result."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def compare_state(job: Any) -> str:
    """The state of a fresh result, after it was compared with the record field by field."""
    result, record = app.AsyncResult(job.id), job.record
    assert result.state == CELERY_STATE[record.status]
    assert result.ready() is record.is_final
    assert (result.traceback or "") == record.error
    if record.status is TaskStatus.SUCCESS:
        assert result.result == record.result
    state: str = result.state
    return state


def test_the_result_of_a_pending_job_agrees_with_its_record() -> None:
    job = kinds.add.apply_async((1, 2), queue=UNWATCHED_QUEUE)
    assert compare_state(job) == states.PENDING
    assert job.result is None

    with pytest.raises(NotInTime):
        job.get(timeout=0.1)


def test_the_result_of_a_running_job_agrees_with_its_record(inspector: JobInspector) -> None:
    job = kinds.hold.delay()
    pid = inspector.wait_until_held(job.id)
    assert compare_state(job) == states.STARTED

    inspector.release(pid)
    assert job.get(timeout=10) == pid
    assert compare_state(job) == states.SUCCESS


def test_the_result_of_a_retrying_job_agrees_with_its_record(inspector: JobInspector) -> None:
    job = kinds.flaky.delay(1)
    inspector.wait_for_status(job.id, TaskStatus.RETRYING)
    assert compare_state(job) == states.RETRY
    assert "attempt 1 failed" in job.traceback

    inspector.make_due(job.id)
    assert job.get(timeout=10) == 2
    assert compare_state(job) == states.SUCCESS


@pytest.mark.parametrize(
    ("kind", "order", "raised", "words"),
    [
        (kinds.hopeless, (), PermanentError, "there is no such template"),
        (kinds.flaky, (1,), TransientError, "attempt 1 failed"),
        (kinds.raise_shapeless, (), ValueError, "object object"),
    ],
)
def test_the_result_of_a_failed_job_agrees_and_raises_its_error(
    kind: Any, order: tuple[Any, ...], raised: type[Exception], words: str
) -> None:
    job = kind.apply_async(order, max_retries=1)

    with pytest.raises(raised, match=words):
        job.get(timeout=10)

    assert compare_state(job) == states.FAILURE
    assert isinstance(job.result, raised)


def test_the_result_of_a_job_without_a_handler_agrees_and_raises() -> None:
    job = app.send_task("nobody.does.this")

    with pytest.raises(NotRegistered):
        job.get(timeout=10)

    assert compare_state(job) == states.FAILURE


def test_the_result_of_a_cancelled_job_agrees_with_its_record(inspector: JobInspector) -> None:
    job = kinds.add.apply_async((1, 2), countdown=3600)

    job.cancel()

    assert inspector.record(job.id).status is TaskStatus.CANCELLED
    assert compare_state(job) == states.REVOKED


def test_the_end_time_agrees_with_the_record(inspector: JobInspector) -> None:
    job = kinds.add.delay(1, 2)
    record = inspector.wait_until_final(job.id)
    assert app.AsyncResult(job.id).date_done.timestamp() == record.finished_at


def test_an_id_that_was_never_used_has_no_record_and_celerys_default_state() -> None:
    result = app.AsyncResult("no-such-job")
    assert result.record is None
    assert (result.state, result.result) == (states.PENDING, None)


def test_a_waiting_caller_gets_the_result_when_the_job_ends(
    inspector: JobInspector, aside: ThreadPoolExecutor
) -> None:
    job = kinds.hold.delay()
    waiting = aside.submit(job.get, timeout=20, interval=60)
    channel = f"celery-task-meta-{job.id}"
    wait_until(lambda: dict(inspector.redis.pubsub_numsub(channel))[channel])
    pid = inspector.wait_until_held(job.id)

    inspector.release(pid)

    assert waiting.result(10) == pid


def test_a_waiting_caller_gets_the_failure(
    inspector: JobInspector, aside: ThreadPoolExecutor
) -> None:
    job = kinds.flaky.apply_async((99,), max_retries=2)
    waiting = aside.submit(job.get, timeout=20, interval=60)
    inspector.wait_for_status(job.id, TaskStatus.RETRYING)
    inspector.make_due(job.id)

    with pytest.raises(TransientError, match="attempt 2 failed"):
        waiting.result(10)


def test_the_backend_stores_nothing_besides_the_records(inspector: JobInspector) -> None:
    job = kinds.add.delay(1, 2)
    assert job.get(timeout=10) == 3
    assert list(inspector.redis.scan_iter("celery-task-meta-*")) == []

"""What is done to many jobs at once is a job itself: seen, stopped, killed, and done once."""

import os
import signal
from typing import Any

import pytest

from project.job.bulk import enqueue_many
from project.job.result import JobResult
from project.job.task import Job
from project.records.grouping import CONTROL_QUEUE
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import queries, queues
from tasks.control import JOBS_PER_PAGE, cancel_jobs, retry_jobs
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until

MANY = 4_000
"""So many that it takes a worker some time."""


@pytest.fixture
def worker(store: Store, workers: Workers) -> WorkerProgram:
    """A worker that was told of another queue: it does these jobs all the same."""
    assert store.run(queues.list_queues()) == []
    return workers.start("--concurrency=1", "--queues=celery").ready()


def act(kind: Job, **question: Any) -> JobResult:
    return kind.apply_async(kwargs=question, queue=CONTROL_QUEUE)


def enqueue_waiting(queue: str, count: int) -> None:
    """Queue jobs that nobody takes."""
    enqueue_many(kinds.add.s(1, 1).set(queue=queue) for _ in range(count))


def waiting(store: Store, queue: str) -> int:
    question = queries.RecordFilter(queues=[queue], statuses=[TaskStatus.PENDING])
    return store.run(queries.list_page(question, limit=1)).total or 0


def wait_for_progress(inspector: JobInspector, job: JobResult) -> None:
    """Wait until the job has said how far it is, and is not at its end."""
    wait_until(lambda: inspector.record(job.id).progress is not None)
    progress = inspector.record(job.id).progress
    assert progress is not None
    assert JOBS_PER_PAGE <= progress.done < MANY == progress.total


def test_all_jobs_that_match_a_filter_are_cancelled(
    worker: WorkerProgram, inspector: JobInspector, store: Store
) -> None:
    enqueue_waiting("one", 3 * JOBS_PER_PAGE + 1)
    enqueue_waiting("two", 5)

    job = act(cancel_jobs, queues=["one"], statuses=["pending"])
    record = inspector.wait_until_final(job.id)

    assert record.result == {"found": 3 * JOBS_PER_PAGE + 1, "changed": 3 * JOBS_PER_PAGE + 1}
    assert (waiting(store, "one"), waiting(store, "two")) == (0, 5)
    assert record.progress is not None
    assert (record.progress.done, record.progress.total) == (
        3 * JOBS_PER_PAGE + 1,
        3 * JOBS_PER_PAGE + 1,
    )


def test_a_bulk_cancel_can_itself_be_cancelled(
    worker: WorkerProgram, inspector: JobInspector, store: Store
) -> None:
    enqueue_waiting("one", MANY)
    job = act(cancel_jobs, queues=["one"], statuses=["pending"])
    wait_for_progress(inspector, job)

    job.cancel()

    assert inspector.wait_until_final(job.id).status is TaskStatus.CANCELLED
    assert 0 < waiting(store, "one") < MANY


def test_a_bulk_cancel_whose_worker_is_killed_still_completes(
    worker: WorkerProgram, inspector: JobInspector, store: Store
) -> None:
    enqueue_waiting("one", MANY)
    job = act(cancel_jobs, queues=["one"], statuses=["pending"])
    wait_for_progress(inspector, job)

    for process in worker.processes()[1:]:
        os.kill(process, signal.SIGKILL)
    record = inspector.wait_until_final(job.id, 60)

    assert (record.status, record.interruptions, waiting(store, "one")) == ("success", 1, 0)


def test_a_bulk_retry_leaves_later_jobs_alone(
    worker: WorkerProgram, inspector: JobInspector
) -> None:
    failed = [kinds.hopeless.delay() for _ in range(3)]
    for job in failed:
        inspector.wait_until_final(job.id)
    inspector.app.store.run(queues.pause("control"))
    again = act(retry_jobs, kinds=["tests.hopeless"], statuses=["failed"])
    later = kinds.hopeless.delay()
    inspector.wait_until_final(later.id)

    inspector.app.store.run(queues.resume("control"))

    assert inspector.wait_until_final(again.id).result == {"found": 3, "changed": 3}
    assert [inspector.wait_for_attempts(job.id, 2).attempts for job in failed] == [2, 2, 2]
    assert inspector.record(later.id).attempts == 1


def test_a_bulk_cancel_does_not_queue_behind_the_jobs_it_cancels(
    worker: WorkerProgram, inspector: JobInspector
) -> None:
    running = kinds.hold.delay()
    pid = inspector.wait_until_held(running.id)
    behind = [kinds.hold.delay() for _ in range(5)]
    job = act(cancel_jobs, kinds=["tests.hold"], statuses=["pending"])
    inspector.release(pid)
    second = wait_until(
        lambda: inspector.redis.keys("tests:held:*") or inspector.record(job.id).is_final
    )

    if second is not True:  # one was in hand before; the others are not waited for
        inspector.release(int(str(inspector.redis.lindex(second[0], 0))))

    assert inspector.wait_until_final(job.id).result["changed"] >= 4
    assert [inspector.wait_until_final(one.id).status for one in behind].count(
        TaskStatus.CANCELLED
    ) >= 4


def test_after_a_bulk_cancel_no_message_of_it_is_left(
    worker: WorkerProgram, inspector: JobInspector, store: Store
) -> None:
    enqueue_waiting("one", 3 * JOBS_PER_PAGE)
    kept = kinds.add.apply_async((1, 1), queue="one", priority=9)

    job = act(cancel_jobs, queues=["one"], created_before=inspector.record(kept.id).created_at)

    assert inspector.wait_until_final(job.id).result["changed"] == 3 * JOBS_PER_PAGE
    left = {queue.name: queue.waiting for queue in store.run(queues.list_queues())}
    assert left["one"] == 1


def test_a_bulk_retry_does_not_run_a_cancelled_bulk_cancel_again(
    worker: WorkerProgram, inspector: JobInspector, store: Store
) -> None:
    store.run(queues.pause("control"))
    withdrawn = act(cancel_jobs, statuses=["pending"])
    withdrawn.cancel()
    cancelled = kinds.add.apply_async((1, 1), queue="two")
    cancelled.cancel()

    job = act(retry_jobs, statuses=["cancelled"])
    store.run(queues.resume("control"))

    assert inspector.wait_until_final(job.id).result == {"found": 1, "changed": 1}
    assert inspector.record(withdrawn.id).status is TaskStatus.CANCELLED
    assert inspector.record(cancelled.id).status is TaskStatus.PENDING


def test_a_bulk_retry_goes_on_after_a_job_whose_arguments_do_not_fit_any_more(
    worker: WorkerProgram, inspector: JobInspector, store: Store
) -> None:
    jobs = [kinds.add.apply_async((1, 1), queue="two") for _ in range(3)]
    for job in jobs:
        job.cancel()
    store.client.hset(f"continuo:job:{jobs[1].id}", "payload", "[[1, 2, 3], {}]")

    job = act(retry_jobs, statuses=["cancelled"])

    assert inspector.wait_until_final(job.id).result == {"found": 3, "changed": 2}
    assert inspector.record(jobs[1].id).status is TaskStatus.CANCELLED

"""Pool processes claim jobs by themselves: nothing is lost, doubled or out of reach."""

import os
import signal
import time
from itertools import repeat

import pytest
import redis
from celery import chord

from project.job.result import JobResult
from project.job.task import Job
from project.records.record import TaskStatus
from project.store.commands.attempts import CancelResult
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


@pytest.fixture
def taken(client: redis.Redis) -> "Taken":
    return Taken(client)


class Taken:
    """Which attempts a pool process took by itself."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def __call__(self, job: JobResult) -> bool:
        token = self.client.hget(f"continuo:job:{job.id}", "token")
        return "#p" in str(token)


def enqueue_acts(*what: str) -> list[JobResult]:
    """Jobs of one kind that wait for a worker."""
    return [kinds.act.delay(each) for each in what]


def is_clean(inspector: JobInspector) -> bool:
    return inspector.count_unacked() == len(inspector.list_messages()) == 0


def test_a_process_takes_further_short_jobs_by_itself(
    inspector: JobInspector, workers: Workers, taken: Taken
) -> None:
    jobs = enqueue_acts(*repeat("pass", 50))
    workers.start("--concurrency=1").ready()
    done = [inspector.wait_until_final(job.id) for job in jobs]
    assert {record.status for record in done} == {TaskStatus.SUCCESS}
    assert {(record.attempts, record.interruptions) for record in done} == {(1, 0)}
    assert all(map(taken, jobs))
    wait_until(lambda: is_clean(inspector))


def test_the_jobs_taken_by_a_dead_process_are_requeued(
    inspector: JobInspector, workers: Workers, taken: Taken
) -> None:
    *before, job, after = enqueue_acts("pass", "pass", "hold", "pass")
    workers.start("--concurrency=1").ready()
    first = inspector.wait_until_held(job.id)
    assert taken(job)
    os.kill(first, signal.SIGKILL)
    second = inspector.wait_until_held(job.id)
    inspector.release(second)
    done = inspector.wait_until_final(job.id)
    assert (done.result, done.attempts, done.interruptions) == (second, 1, 1)
    others = [inspector.wait_until_final(each.id) for each in (*before, after)]
    assert {(record.attempts, record.interruptions) for record in others} == {(1, 0)}
    wait_until(lambda: is_clean(inspector))


def test_the_jobs_taken_by_the_processes_of_a_killed_worker_are_requeued(
    inspector: JobInspector, workers: Workers, taken: Taken
) -> None:
    *_, job = enqueue_acts("pass", "hold")
    dying = workers.start("--concurrency=1").ready()
    inspector.wait_until_held(job.id)
    assert taken(job)
    os.kill(dying.pid, signal.SIGKILL)
    workers.start("--concurrency=1").ready()
    inspector.release(inspector.wait_until_held(job.id))
    done = inspector.wait_until_final(job.id)
    assert (done.status, done.attempts, done.interruptions) == (TaskStatus.SUCCESS, 1, 1)
    wait_until(lambda: is_clean(inspector))


def test_a_stopping_worker_requeues_jobs_that_cannot_finish(
    inspector: JobInspector, workers: Workers, taken: Taken
) -> None:
    *_, job = enqueue_acts("pass", "hold")
    leaving = workers.start("--concurrency=1", DRAIN_SECONDS="0.5").ready()
    inspector.wait_until_held(job.id)
    assert taken(job)

    leaving.send(signal.SIGTERM)
    leaving.wait()
    waiting = inspector.record(job.id)

    assert (waiting.status, waiting.attempts) == (TaskStatus.PENDING, 0)
    assert (
        len(inspector.list_messages()),
        inspector.count_unacked(),
        inspector.count_deaths(job.id),
    ) == (1, 0, 0)


def test_a_job_taken_by_a_process_that_keeps_killing_it_fails(
    inspector: JobInspector, workers: Workers
) -> None:
    *before, job, after = enqueue_acts("pass", "die", "pass")
    workers.start("--concurrency=1").ready()
    record = inspector.wait_until_final(job.id, 30)
    assert (record.status, record.interruptions) == (TaskStatus.FAILED, 3)
    assert "killed its worker 3 times" in record.error
    assert "SIGKILL" in record.error
    assert {inspector.wait_until_final(each.id).attempts for each in (*before, after)} == {1}
    wait_until(lambda: is_clean(inspector))


def test_a_job_taken_by_a_process_ends_within_two_seconds_of_its_cancellation(
    inspector: JobInspector, workers: Workers, taken: Taken
) -> None:
    *_, job, after = enqueue_acts("pass", "hold", "pass")
    workers.start("--concurrency=1").ready()
    inspector.wait_until_held(job.id)
    assert taken(job)
    asked_at = time.monotonic()
    assert job.cancel() is CancelResult.REQUESTED
    record = inspector.wait_until_final(job.id, 5)
    assert time.monotonic() - asked_at < 2.5  # two seconds, and a busy machine
    assert (record.status, record.attempts, record.interruptions) == ("cancelled", 1, 0)
    assert inspector.wait_until_final(after.id).status is TaskStatus.SUCCESS
    wait_until(lambda: is_clean(inspector))


def test_a_failed_job_taken_by_a_process_is_retried(
    inspector: JobInspector, workers: Workers, taken: Taken
) -> None:
    before, job, after = enqueue_acts("pass", "fail", "pass")
    workers.start("--concurrency=1").ready()
    inspector.wait_for_status(job.id, TaskStatus.RETRYING)
    assert taken(job)
    inspector.make_due(job.id)
    done = inspector.wait_until_final(job.id)
    assert (done.status, done.attempts) == (TaskStatus.SUCCESS, 2)
    assert {inspector.wait_until_final(each.id).attempts for each in (before, after)} == {1}
    wait_until(lambda: is_clean(inspector))


def test_a_job_taken_by_a_process_that_raises_ignore_has_failed(
    inspector: JobInspector, workers: Workers, taken: Taken
) -> None:
    _, job, after = enqueue_acts("pass", "ignore", "pass")
    workers.start("--concurrency=1").ready()
    record = inspector.wait_until_final(job.id)
    assert taken(job)
    assert (record.status, record.error) == (
        TaskStatus.FAILED,
        "Ignore: the job ended without a result",
    )
    assert inspector.wait_until_final(after.id).status is TaskStatus.SUCCESS
    wait_until(lambda: is_clean(inspector))


def test_an_unreadable_message_taken_by_a_process_is_dead_lettered(
    inspector: JobInspector, workers: Workers, client: redis.Redis
) -> None:
    _, job, after = enqueue_acts("pass", "pass", "pass")
    text = inspector.list_messages()[1]
    garbled = text.replace('"body":"', '"body":"!')
    assert garbled != text

    client.lset("celery", 1, garbled)
    workers.start("--concurrency=1").ready()
    assert inspector.wait_until_final(after.id).status is TaskStatus.SUCCESS

    wait_until(lambda: is_clean(inspector))
    assert client.lrange("continuo:dead_letters", 0, -1)
    failed = inspector.record(job.id)
    assert (failed.status, failed.attempts) == (TaskStatus.FAILED, 1)
    assert "cannot be read" in failed.error


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (kinds.limited, ()),
        (kinds.add, ("--max-tasks-per-child=5",)),
        (kinds.add, ("--max-memory-per-child=1",)),
        (kinds.add, ("--time-limit=60",)),
        (kinds.add, ("--task-events",)),
        (kinds.add, ("--autoscale=3,1",)),
    ],
)
def test_processes_claim_jobs_whatever_limits_and_watches_them(
    inspector: JobInspector, workers: Workers, taken: Taken, kind: Job, options: tuple[str, ...]
) -> None:
    arguments = () if kind is kinds.limited else (1, 1)
    jobs = [kind.delay(*arguments) for _ in range(12)]

    workers.start("--concurrency=1", *options).ready()

    records = [inspector.wait_until_final(job.id, 30) for job in jobs]
    assert {record.status for record in records} == {TaskStatus.SUCCESS}
    assert {(record.attempts, record.interruptions) for record in records} == {(1, 0)}
    assert all(map(taken, jobs))


def test_a_process_is_replaced_after_its_number_of_jobs(
    inspector: JobInspector, workers: Workers
) -> None:
    jobs = enqueue_acts(*repeat("pass", 12))

    workers.start("--concurrency=1", "--max-tasks-per-child=5").ready()

    pids = [inspector.wait_until_final(job.id, 30).result for job in jobs]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [5, 5, 2]


def test_the_threads_of_a_pool_claim_nothing(
    inspector: JobInspector, workers: Workers, taken: Taken
) -> None:
    jobs = [kinds.add.delay(1, 1) for _ in range(20)]

    workers.start("--concurrency=1", "--pool=threads").ready()

    assert {inspector.wait_until_final(job.id).status for job in jobs} == {TaskStatus.SUCCESS}
    assert not any(map(taken, jobs))


def test_a_chord_counts_jobs_taken_by_a_process(inspector: JobInspector, workers: Workers) -> None:
    result = (kinds.add.s(1, 1) | kinds.add.s(1)).delay()
    total = chord([kinds.add.s(number, 1) for number in range(20)])(kinds.total.s())
    workers.start("--concurrency=1").ready()
    assert result.get(timeout=15) == 3
    assert total.get(timeout=15) == sum(range(1, 21))
    wait_until(lambda: is_clean(inspector))

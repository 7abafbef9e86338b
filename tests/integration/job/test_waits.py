"""Waits on real workers: nothing runs meanwhile, and each ends once."""

from collections import Counter
from threading import Barrier, Thread
from typing import Any

import pytest

from project.celery import app
from project.errors import InvalidField, WaitTimeout
from project.records.record import TaskRecord, TaskStatus
from project.store.commands import maintenance
from project.store.commands.attempts import CancelResult
from project.store.commands.waits import SignalResult
from tests.support.apps import steps as kinds
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until

OPTIONS = ("--concurrency=1", "--include=tests.support.apps.steps")

YES = {"approved": True, "by": "Ada"}
NO = {"approved": False, "by": "Grace"}


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    """One worker for all tests."""
    return worker_pool.start(*OPTIONS).ready()


@pytest.fixture
def waiting(inspector: JobInspector, worker: WorkerProgram) -> TaskRecord:
    """A job that waits for an approval."""
    return inspector.wait_for_status(kinds.approved.delay().id, TaskStatus.WAITING)


def count_runs(inspector: JobInspector, job_id: str) -> Counter[str]:
    """How often each step was run."""
    runs: Any = inspector.redis.lrange(f"tests:steps:{job_id}", 0, -1)
    return Counter(runs)


def list_ends(record: TaskRecord) -> list[Any]:
    """What ended each wait of a job."""
    assert isinstance(record.steps, list)
    return [step.wait for step in record.steps if step.wait]


def test_a_sleep_goes_on_when_its_time_has_come(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.sleepy.delay(seconds=0.3)

    done = inspector.wait_until_final(job.id, 30)

    assert (done.attempts, done.interruptions, done.errors) == (1, 0, [])
    assert (done.result, list_ends(done)) == ("rested", ["sleep", "sleep"])
    assert set(count_runs(inspector, job.id).values()) == {1}
    assert isinstance(done.steps, list)
    assert [step.name for step in done.steps] == ["before", "sleep[0]", "again", "after"]
    assert done.steps[3].started_at >= done.created_at + 0.6


def test_a_waiting_job_says_for_what_and_until_when(waiting: TaskRecord) -> None:
    wait = waiting.wait

    assert wait
    assert (wait.name, wait.kind, wait.question) == ("approval", "signal", "Pay 12,000 €?")
    assert wait.ends_at - wait.started_at == pytest.approx(600)
    assert wait.choices["Do not pay"] == {"approved": False}
    assert waiting.due_at == pytest.approx(wait.ends_at, abs=0.01)
    assert (waiting.attempts, waiting.interruptions) == (0, 0)
    assert app.AsyncResult(waiting.id).state == "WAITING"


def test_a_signal_lets_its_job_go_on_with_an_object_of_its_type(
    inspector: JobInspector, waiting: TaskRecord
) -> None:
    answer = app.AsyncResult(waiting.id).signal("approval", YES)

    done = inspector.wait_until_final(waiting.id)
    assert (answer, done.result) == (SignalResult.SENT, "Approval True Ada")
    assert (done.attempts, list_ends(done)) == (1, ["signal"])
    assert count_runs(inspector, waiting.id) == {"ask": 1, "act": 1}


def test_a_signal_that_comes_before_its_wait_is_kept(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.approved.delay(holds=True)
    pid = inspector.wait_until_held(job.id)

    answer = job.signal("approval", YES)
    inspector.release(pid)

    done = inspector.wait_until_final(job.id)
    assert (answer, done.result) == (SignalResult.KEPT, "Approval True Ada")


def test_an_early_signal_of_another_type_does_not_end_the_wait(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.approved.delay(holds=True)
    pid = inspector.wait_until_held(job.id)
    job.signal("approval", ["yes"])
    inspector.release(pid)
    inspector.wait_for_status(job.id, TaskStatus.WAITING)

    answer = job.signal("approval", YES)

    assert answer is SignalResult.SENT
    assert inspector.wait_until_final(job.id).result == "Approval True Ada"


def test_the_same_signal_counts_once_and_a_different_one_not_at_all(
    inspector: JobInspector, waiting: TaskRecord
) -> None:
    job = app.AsyncResult(waiting.id)
    first = job.signal("approval", YES)

    answers = [job.signal("approval", value) for value in (dict(reversed(YES.items())), NO)]

    done = inspector.wait_until_final(job.id)
    after = [job.signal("approval", value) for value in (YES, NO)]
    assert first is SignalResult.SENT
    assert answers == after == [SignalResult.REPEATED, SignalResult.OTHER]
    assert done.result == "Approval True Ada"


def test_a_signal_of_another_type_is_refused_by_name(
    inspector: JobInspector, waiting: TaskRecord
) -> None:
    job = app.AsyncResult(waiting.id)

    with pytest.raises(InvalidField, match=r"signal.approved"):
        job.signal("approval", {"approved": "perhaps"})

    assert inspector.record(job.id).status is TaskStatus.WAITING


def test_a_wait_whose_time_is_over_fails_the_job_without_a_retry(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.approved.delay(timeout=0.2)

    done = inspector.wait_until_final(job.id)

    assert (done.status, done.attempts, list_ends(done)) == (TaskStatus.FAILED, 1, ["timeout"])
    assert "WaitTimeout" in done.error
    assert job.signal("approval", YES) is SignalResult.LATE


def test_a_wait_with_a_default_goes_on_when_its_time_is_over(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.approved.delay(timeout=0.2, default="nobody")

    done = inspector.wait_until_final(job.id)

    assert (done.result, list_ends(done)) == ("nobody", ["timeout"])


def test_a_rerun_waits_anew(inspector: JobInspector, worker: WorkerProgram) -> None:
    job = kinds.approved.delay(timeout=1)
    inspector.wait_until_final(job.id)

    assert job.rerun()
    inspector.wait_for_status(job.id, TaskStatus.WAITING)
    job.signal("approval", YES)

    done = inspector.wait_until_final(job.id)
    assert (done.result, list_ends(done)) == ("Approval True Ada", ["signal"])
    assert count_runs(inspector, job.id) == {"ask": 1, "act": 1}


def test_waiting_jobs_occupy_no_slot_and_are_cancelled_at_once(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    jobs = [kinds.approved.delay() for _ in range(1_000)]
    wait_until(lambda: inspector.record(jobs[-1].id).status is TaskStatus.WAITING, 60)

    other = inspector.wait_until_final(kinds.steps.delay().id)

    assert other.status is TaskStatus.SUCCESS
    assert {job.cancel() for job in jobs} == {CancelResult.CANCELLED}
    assert {inspector.find_due_time(job.id) for job in jobs} == {None}


def test_a_coroutine_sleeps_and_waits(inspector: JobInspector, worker: WorkerProgram) -> None:
    job = kinds.async_wait.delay()
    job.signal("number", 41)

    assert inspector.wait_until_final(job.id).result == 42


def test_a_job_that_is_woken_early_waits_on(inspector: JobInspector, waiting: TaskRecord) -> None:
    inspector.make_due(waiting.id)

    wait_until(lambda: inspector.record(waiting.id).started_at != waiting.started_at)
    again = inspector.wait_for_status(waiting.id, TaskStatus.WAITING)

    assert again.wait == waiting.wait
    assert again.steps == waiting.steps


def test_a_signal_and_the_end_of_the_time_end_a_wait_once(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    for _ in range(10):
        job = kinds.approved.delay(timeout=0.3, default="nobody")
        waiting = inspector.wait_for_status(job.id, TaskStatus.WAITING)
        assert waiting.wait
        ends_at = waiting.wait.ends_at
        wait_until(lambda end=ends_at: float(inspector.redis.time()[0]) + 1 >= end)  # type: ignore[misc]

        answers = race_signals(job.id)

        done = inspector.wait_until_final(job.id)
        won = {SignalResult.SENT, SignalResult.LATE}
        assert len([answer for answer in answers if answer is SignalResult.SENT]) <= 1
        has_signal = SignalResult.SENT in answers
        assert set(answers) & won
        assert (done.result == "nobody") is not has_signal
        assert list_ends(done) == ["signal" if has_signal else "timeout"]
        assert count_runs(inspector, job.id) == {"ask": 1, "act": 1}


def race_signals(job_id: str) -> list[SignalResult]:
    """Send two different signals from four threads."""
    start, answers = Barrier(4), []

    def send(value: Any) -> None:
        start.wait(10)
        answers.append(app.AsyncResult(job_id).signal("approval", value))

    threads = [Thread(target=send, args=[value]) for value in (YES, NO, YES, NO)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return answers


def test_a_sweep_removes_all_that_waits_have_stored(
    inspector: JobInspector, waiting: TaskRecord
) -> None:
    job = app.AsyncResult(waiting.id)
    job.signal("other", "kept")
    job.signal("approval", YES)
    inspector.wait_until_final(job.id)

    app.store.run(
        maintenance.sweep(
            kind_queue="tests.approved@celery",
            status=TaskStatus.SUCCESS,
            retention=0,
            offset=0,
            most=1000,
        )
    )

    assert not inspector.redis.keys(f"continuo:*{job.id}*")


@pytest.mark.parametrize("seconds", [0, -1, 40_000_000], ids=["zero", "negative", "above a year"])
def test_a_wait_without_a_bounded_time_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidField, match="is not a time above 0 and up to 366 days"):
        kinds.sleepy.apply(kwargs={"seconds": seconds}, throw=True)


def test_without_a_worker_a_sleep_returns_and_a_wait_times_out() -> None:
    assert kinds.sleepy.apply(kwargs={"seconds": 600}).get() == "rested"
    with pytest.raises(WaitTimeout):
        kinds.approved.run(timeout=600)


def test_a_job_keeps_a_bounded_number_of_early_signals(
    inspector: JobInspector, waiting: TaskRecord
) -> None:
    job = app.AsyncResult(waiting.id)

    answers = [job.signal(f"s{number}", number) for number in range(101)]

    assert answers == [SignalResult.KEPT] * 100 + [SignalResult.MANY]
    with pytest.raises(InvalidField, match="at most 65,536 bytes"):
        job.signal("approval", "x" * 70_000)
    job.cancel()
    assert job.signal("approval", YES) is SignalResult.FINAL

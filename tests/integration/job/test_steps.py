"""Durable steps on real workers: what is done is not done again."""

import os
import signal
from collections import Counter
from typing import Any

import pytest

from project.celery import app
from project.errors import InvalidField
from project.job.running.steps import MAX_STEPS, Steps
from project.records.record import TaskRecord, TaskStatus
from tests.support.apps import steps as kinds
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers

OPTIONS = ("--concurrency=1", "--include=tests.support.apps.steps")

RESULT = {"row": "Row tea", "pages": ["page 0", "page 1", "page 2"], "long": 100_000}

NAMES = {"fetch", "page[0]", "page[1]", "page[2]"}


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    """One worker for the tests that kill none."""
    return worker_pool.start(*OPTIONS).ready()


def count_runs(inspector: JobInspector, job_id: str) -> Counter[str]:
    """How often each step was run."""
    runs: Any = inspector.redis.lrange(f"tests:steps:{job_id}", 0, -1)
    return Counter(runs)


def list_names(record: TaskRecord) -> list[str]:
    assert isinstance(record.steps, list)
    return [step.name for step in record.steps]


def test_a_killed_process_runs_no_finished_step_again(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.steps.delay(ends="kill")

    done = inspector.wait_until_final(job.id, 30)

    assert (done.status, done.interruptions, done.result) == (TaskStatus.SUCCESS, 1, RESULT)
    runs = count_runs(inspector, job.id)
    assert {name: runs[name] for name in NAMES} == dict.fromkeys(NAMES, 1)


def test_a_retry_runs_no_finished_step_again(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.steps.delay(ends="fail")

    done = inspector.wait_until_final(job.id, 30)

    assert (done.status, done.attempts, done.result) == (TaskStatus.SUCCESS, 2, RESULT)
    assert {count_runs(inspector, job.id)[name] for name in NAMES} == {1}


def test_a_record_shows_the_finished_steps_and_their_times(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.steps.delay()

    done = inspector.wait_until_final(job.id)

    names = list_names(done)
    assert (names[0], names[-1], set(names[1:-1])) == ("fetch", "long", NAMES - {"fetch"})
    assert isinstance(done.steps, list)
    for step in done.steps:
        assert done.created_at <= step.started_at <= step.finished_at <= (done.finished_at or 0)


def test_a_rerun_skips_finished_steps_unless_its_arguments_change(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.steps.delay(ends="hold")
    inspector.wait_until_held(job.id)
    job.cancel()
    inspector.wait_for_status(job.id, TaskStatus.CANCELLED)

    assert job.rerun()
    assert inspector.wait_until_final(job.id).result == RESULT

    assert {count_runs(inspector, job.id)[name] for name in NAMES} == {1}


def test_a_rerun_with_other_arguments_does_all_steps_again(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.steps.delay(ends="hold")
    inspector.wait_until_held(job.id)
    job.cancel()
    inspector.wait_for_status(job.id, TaskStatus.CANCELLED)

    assert job.rerun(kwargs={"ends": ""})
    assert inspector.wait_until_final(job.id).result == RESULT

    assert {count_runs(inspector, job.id)[name] for name in NAMES} == {2}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"name": "a", "again": "a", "result": "set"}, "'a' is the name of two steps"),
        ({"name": "a", "again": "b", "result": "type"}, "b: "),
        ({"name": "a", "again": "", "result": "set"}, "name: ''"),
        ({"name": "a\nb", "again": "", "result": "set"}, "without line ends"),
    ],
    ids=["twice", "wrong type", "empty", "two lines"],
)
def test_a_step_that_cannot_be_is_refused_by_name(
    inspector: JobInspector, worker: WorkerProgram, arguments: dict[str, str], problem: str
) -> None:
    job = kinds.broken_steps.delay(**arguments)

    failed = inspector.wait_until_final(job.id)

    assert failed.status is TaskStatus.FAILED
    assert f"InvalidField: {problem}" in failed.error or problem in failed.error


def test_after_an_error_a_map_begins_no_further_item_and_keeps_those_that_are_done(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.broken_map.delay()
    waiting = inspector.wait_for_status(job.id, TaskStatus.RETRYING)
    begun = sum(count_runs(inspector, job.id).values())
    inspector.make_due(job.id)

    done = inspector.wait_until_final(job.id)

    assert begun < 10
    assert waiting.steps is not None
    assert done.result == ["item[0]", *(f"item[{n}] of {job.id}" for n in range(1, 20))]
    runs = count_runs(inspector, job.id)
    assert runs.pop("item[0]") == 2
    assert set(runs.values()) == {1}


@pytest.mark.parametrize("many", ["0", "20"], ids=["one at a time", "many at once"])
def test_a_coroutine_awaits_its_steps(inspector: JobInspector, workers: Workers, many: str) -> None:
    workers.start(*OPTIONS, WORKER_ASYNC_JOBS=many).ready()
    job = kinds.async_steps.delay()

    done = inspector.wait_until_final(job.id, 30)

    assert (done.attempts, done.result) == (2, ["hello you", "hello her", "hello him"])
    assert set(count_runs(inspector, job.id).values()) == {1}


def test_another_worker_goes_on_where_a_killed_one_was(
    inspector: JobInspector, workers: Workers
) -> None:
    first = workers.start(*OPTIONS).ready()
    job = kinds.steps.delay(ends="hold")
    inspector.wait_until_held(job.id)
    os.kill(first.pid, signal.SIGKILL)
    workers.start(*OPTIONS).ready()

    done = inspector.wait_until_final(job.id, 30)

    assert (done.status, done.interruptions, done.result) == (TaskStatus.SUCCESS, 1, RESULT)
    assert {count_runs(inspector, job.id)[name] for name in NAMES} == {1}


def test_without_a_worker_steps_run_and_store_nothing(inspector: JobInspector) -> None:
    result = kinds.steps.apply(task_id="alone").get()

    assert result == RESULT
    assert not inspector.has_record("alone")


def test_a_map_of_celery_is_still_one(inspector: JobInspector) -> None:
    assert kinds.steps.map([[1]]).task == "celery.map"


def test_a_job_has_a_bounded_number_of_steps() -> None:
    steps = Steps("a", "t", app.store.run, has_record=False)
    for number in range(MAX_STEPS):
        steps.begin(f"step {number}")

    with pytest.raises(InvalidField, match="at most 1,000 steps"):
        steps.begin("one more")

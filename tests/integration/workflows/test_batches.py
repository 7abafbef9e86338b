"""Batches on real workers."""

import pytest

from project.celery import app
from project.errors import InvalidField
from project.records.workflow import Workflow, WorkflowStatus
from project.workflows.batches import Batch, name_job
from tests.support.apps import nodes
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until

OPTIONS = ("--concurrency=2", "--include=tests.support.apps.nodes")
HOOKS = {
    "on_success": nodes.echo.s(value="all"),
    "on_failure": nodes.echo.s(value="not all"),
    "on_complete": nodes.echo.s(value="done"),
}


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    """One worker for these tests."""
    return worker_pool.start(*OPTIONS).ready()


def find(batch: Batch) -> Workflow:
    page = app.workflows.get(batch.id)
    assert page is not None
    return page.workflow


def wait_for_end(batch: Batch) -> Workflow:
    wait_until(lambda: find(batch).is_final, 30)
    return find(batch)


def test_an_open_batch_takes_jobs_and_ends_when_it_is_closed(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    batch = Batch.begin(app.workflows, "night", **HOOKS)
    for number in range(5):
        batch.add(nodes.echo, value=number)
    wait_until(lambda: find(batch).nodes.ended == 5, 30)
    was_open = not find(batch).is_final

    batch.close()

    ended = wait_for_end(batch)
    assert was_open
    assert (ended.status, ended.nodes.success) == (WorkflowStatus.SUCCESS, 5)
    assert ended.hooks.keys() == {"on_success", "on_complete"}
    assert inspector.wait_until_final(ended.hooks["on_success"], 30).result == "all"
    with pytest.raises(InvalidField, match="closed"):
        batch.add(nodes.echo, value=6)


def test_a_batch_with_a_failure_goes_on_with_its_other_jobs(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    batch = Batch.begin(app.workflows, "mixed", **HOOKS)
    batch.add(nodes.fail_unless, key="tests:nodes:batch")
    batch.add(nodes.echo, value=1)
    batch.close()
    failed = wait_for_end(batch)
    inspector.redis.set("tests:nodes:batch", 1)

    app.workflows.retry(batch.id)

    assert (failed.status, failed.nodes.success) == (WorkflowStatus.FAILED, 1)
    assert failed.hooks.keys() == {"on_failure", "on_complete"}
    assert wait_for_end(batch).status is WorkflowStatus.SUCCESS


def test_a_job_of_a_batch_adds_others_to_it(inspector: JobInspector, worker: WorkerProgram) -> None:
    batch = Batch.begin(app.workflows, "inside")
    batch.add(nodes.grow, depth=4)

    batch.close()

    ended = wait_for_end(batch)
    assert (ended.status, ended.nodes.total) == (WorkflowStatus.SUCCESS, 5)


def test_a_batch_without_jobs_ends_when_it_is_closed(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    batch = Batch.begin(app.workflows, "none", **HOOKS)

    batch.close()

    assert wait_for_end(batch).hooks.keys() == {"on_success", "on_complete"}


def test_an_attempt_that_adds_what_one_before_it_added_adds_nothing(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    batch = Batch.begin(app.workflows, "again")
    batch.add(nodes.grow_and_fail_once)

    batch.close()

    ended = wait_for_end(batch)
    assert (ended.status, ended.nodes.success) == (WorkflowStatus.SUCCESS, 1 + 3)


def test_names_of_many_jobs_differ() -> None:
    assert len({name_job() for _ in range(100_000)}) == 100_000

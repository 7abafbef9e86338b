"""Workflows of schedules, on real workers: a job orders one and ends with it."""

import time
from typing import Any

import pytest

from project.celery import app
from project.errors import InvalidField
from project.records.record import FINAL_STATUSES, TaskRecord
from project.records.workflow import Workflow, WorkflowStatus
from project.schedules.firing import ScheduleRounds
from project.schedules.jobs import build_job_id
from project.schedules.timing import at, every
from project.workflows.building import Building, result_of, workflow
from project.workflows.plans import WORKFLOW_KIND
from tests.support.apps import nodes
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until

OPTIONS = ("--concurrency=2", "--include=tests.support.apps.nodes")


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    """One worker for these tests."""
    return worker_pool.start(*OPTIONS).ready()


def build_two(value: Any = "{{ due }}") -> Building:
    return (
        workflow("two").add("a", nodes.echo, value=value).add("b", nodes.echo, value=result_of("a"))
    )


def put(building: Building, name: str = "nightly", **options: Any) -> Any:
    timing = every(86_400, start=int(time.time()) - 10)
    return app.schedules.put(name, WORKFLOW_KIND, timing, kwargs=building.dump(), **options)


def wait_for_job(job_id: str, seconds: float = 30) -> TaskRecord:
    def find() -> TaskRecord | None:
        record = app.AsyncResult(job_id).record
        return record if record and record.status in FINAL_STATUSES else None

    return wait_until(find, seconds)


def read_workflow(workflow_id: str) -> Workflow:
    page = app.workflows.get(workflow_id)
    assert page is not None
    return page.workflow


def count_workflows() -> int:
    return int(app.store.client.zcard("continuo:workflows"))


def test_a_due_time_makes_one_workflow_also_when_others_fire_it_and_an_attempt_is_repeated(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    before, due = count_workflows(), int(time.time()) + 2
    read = app.schedules.put("once", WORKFLOW_KIND, at([due]), kwargs=build_two().dump())
    job_id = build_job_id("once", due)
    ended = wait_for_job(wait_until(lambda: app.AsyncResult(job_id).record, 20).id)

    fired = ScheduleRounds(app, app.store).fire_all([read._replace(at=due + 1.0)])
    repeated = app.workflows.submit("two", build_two("other").calls, workflow_id=job_id)

    assert fired == ["changed"]
    assert (repeated.how, repeated.id) == ("made", job_id)
    assert (ended.status, ended.result) == ("success", {"nodes": 2, "success": 2})
    assert read_workflow(job_id).status is WorkflowStatus.SUCCESS
    assert count_workflows() == before + 1


def test_a_job_of_a_schedule_waits_for_its_workflow_without_a_slot(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    put(workflow("slow").add("a", nodes.echo, options={"countdown": 3_600}), "slow")

    job_id = app.schedules.run("slow")

    wait_until(lambda: app.AsyncResult(job_id).record.status == "waiting", 20)
    assert read_workflow(job_id).status is WorkflowStatus.RUNNING
    app.workflows.cancel(job_id)
    ended = wait_for_job(job_id)
    assert ended.status == "failed"
    assert "the workflow is cancelled" in (ended.error or "")


def test_who_cancels_the_job_of_a_schedule_cancels_its_workflow(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    put(workflow("slow").add("a", nodes.echo, options={"countdown": 3_600}), "slow")
    job_id = app.schedules.run("slow")
    wait_until(lambda: app.AsyncResult(job_id).record.status == "waiting", 20)

    app.AsyncResult(job_id).cancel()

    wait_until(lambda: read_workflow(job_id).status is WorkflowStatus.CANCELLED, 10)
    assert app.AsyncResult(job_id).record.status == "cancelled"


def test_the_job_of_a_schedule_fails_with_its_workflow(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    put(workflow("bad").add("a", nodes.fail_unless, key="tests:never"), "bad")

    ended = wait_for_job(app.schedules.run("bad"))

    assert ended.status == "failed"
    assert "the workflow is failed: a" in (ended.error or "")


def test_the_job_of_a_schedule_that_runs_again_retries_its_workflow(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    key = f"tests:mended:{time.time()}"
    put(
        workflow("mended").add("a", nodes.echo, value=1).add("b", nodes.fail_unless, key=key),
        "mended",
    )
    job_id = app.schedules.run("mended")
    assert wait_for_job(job_id).status == "failed"

    app.store.client.set(key, 1)
    app.AsyncResult(job_id).rerun()
    ended = wait_for_job(job_id)

    nodes_ended = {node.id: node for node in app.workflows.get(job_id, limit=10).nodes}
    assert (ended.status, ended.result) == ("success", {"nodes": 2, "success": 2})
    assert read_workflow(job_id).status is WorkflowStatus.SUCCESS
    assert {name: node.attempts for name, node in nodes_ended.items()} == {"a": 1, "b": 2}


def test_a_wrong_workflow_is_refused_when_its_schedule_is_written(
    inspector: JobInspector,
) -> None:
    wrong = workflow("wrong").add("a", nodes.echo, after=["b"])

    with pytest.raises(InvalidField, match=r"nodes\[0\].after\[0\]: 'b' is the id of no node"):
        put(wrong, "wrong")
    assert app.schedules.get("wrong") is None

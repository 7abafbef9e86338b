"""Workflows on real workers."""

import json
from typing import Any

import pytest

from project.celery import app
from project.records.record import TaskStatus
from project.records.workflow import NodeStatus, Workflow, WorkflowStatus
from project.store.commands import callbacks, maintenance, workflows
from project.workflows.building import item, result_of, workflow
from project.workflows.nodes import build_node_id
from tasks.webhooks.deliveries import build_body
from tests.support.apps import nodes
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until

OPTIONS = ("--concurrency=2", "--include=tests.support.apps.nodes")


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    """One worker for these tests."""
    return worker_pool.start(*OPTIONS).ready()


def wait_for_end(workflow_id: str, seconds: float = 30) -> Workflow:
    def find() -> Workflow | None:
        page = app.workflows.get(workflow_id)
        return page.workflow if page and page.workflow.is_final else None

    return wait_until(find, seconds)


def read_result(workflow_id: str, node: str) -> Any:
    (result,) = app.store.run(workflows.read_results(workflow_id, [node]))
    return app.backend.decode(result.results[0])


def read_states(workflow_id: str) -> dict[str, NodeStatus]:
    page = app.workflows.get(workflow_id, limit=500)
    assert page is not None
    return {node.id: node.status for node in page.nodes}


def test_a_node_runs_with_the_results_of_those_before_it(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    made = (
        workflow("sum")
        .add("a", nodes.echo, value={"rows": [1, 2**60, 0.1], "none": [], "text": "ä"})
        .add("b", nodes.echo, value={"all": result_of("a"), "second": result_of("a", "rows.1")})
        .submit()
    )

    ended = wait_for_end(made.id)

    assert ended.status is WorkflowStatus.SUCCESS
    whole = {"rows": [1, 2**60, 0.1], "none": [], "text": "ä"}
    assert read_result(made.id, "b") == {"all": whole, "second": 2**60}


def test_a_fan_out_makes_a_job_of_each_row_and_the_fan_in_gets_their_results(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    made = (
        workflow("invoices")
        .add("list", nodes.list_customers, count=30)
        .add("each", nodes.invoice, for_each=result_of("list", "rows"), customer=item())
        .add("join", nodes.join, parts=result_of("each"))
        .submit()
    )

    ended = wait_for_end(made.id)

    assert ended.status is WorkflowStatus.SUCCESS
    assert (ended.nodes.total, ended.nodes.success) == (33, 33)
    expected = ", ".join(f"c{number}: {number * 1.5}" for number in range(30))
    assert read_result(made.id, "join") == expected


def test_a_fan_out_of_no_rows_is_done_at_once(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    made = (
        workflow("none")
        .add("list", nodes.list_customers, count=0)
        .add("each", nodes.invoice, for_each=result_of("list", "rows"), customer=item())
        .add("join", nodes.join, parts=result_of("each"))
        .submit()
    )

    ended = wait_for_end(made.id)

    assert (ended.status, read_result(made.id, "join")) == (WorkflowStatus.SUCCESS, "")


def test_what_failed_stops_a_workflow_and_a_retry_lets_it_go_on(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    made = (
        workflow("stop")
        .add("a", nodes.echo, value=1)
        .add("b", nodes.fail_unless, key="tests:nodes:stop", after=["a"])
        .add("c", nodes.echo, value=result_of("b"))
        .submit()
    )
    failed = wait_for_end(made.id)
    before = read_states(made.id)
    inspector.redis.set("tests:nodes:stop", 1)

    app.workflows.retry(made.id)

    assert (failed.status, failed.stopped) == (WorkflowStatus.FAILED, "b")
    assert before == {"a": "success", "b": "failed", "c": "stopped"}
    assert wait_for_end(made.id).status is WorkflowStatus.SUCCESS
    assert read_result(made.id, "c") == "done"


def test_a_failure_can_be_passed_over_or_skip_what_comes_after(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    made = (
        workflow("others")
        .add("a", nodes.fail_unless, key="tests:never", on_failure="continue")
        .add("b", nodes.echo, value=result_of("a"))
        .add("c", nodes.fail_unless, key="tests:never", on_failure="skip")
        .add("d", nodes.echo, value=result_of("c"))
        .add("e", nodes.echo, after=["d", "b"])
        .submit()
    )

    ended = wait_for_end(made.id)

    assert ended.status is WorkflowStatus.FAILED
    states = {"a": "failed", "b": "success", "c": "failed", "d": "skipped", "e": "skipped"}
    assert read_states(made.id) == states
    assert read_result(made.id, "b") is None


def test_a_callback_reports_the_end_of_a_workflow(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    url = "http://nobody.invalid/hook"
    made = workflow("told", callback_url=url).add("a", nodes.echo, value=1).submit()

    wait_for_end(made.id)

    delivery = inspector.redis.hget(f"continuo:workflow:{made.id}", "delivery")
    ending = app.store.run(callbacks.read_delivery(delivery, url))
    assert ending is not None
    assert ending.workflow is not None
    assert ending.workflow.id == made.id
    told = json.loads(build_body(ending))
    assert (told["type"], told["data"]["nodes"]["success"]) == ("workflow.success", 1)


def test_a_workflow_past_its_deadline_fails_and_its_jobs_are_cancelled(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    made = (
        workflow("late", deadline=0.5)
        .add("a", nodes.echo, value=1, options={"countdown": 3600})
        .add("b", nodes.echo, after=["a"])
        .submit()
    )

    ended = wait_for_end(made.id)

    assert (ended.status, ended.stopped) == (WorkflowStatus.FAILED, "deadline")
    assert read_states(made.id) == {"a": "cancelled", "b": "stopped"}


def test_a_killed_process_takes_no_node_with_it(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    made = workflow("killed")
    for number in range(40):
        after = [f"n{number - 1}"] if number % 4 else []
        made.add(f"n{number}", nodes.die_once, key=f"tests:die:{number}", after=after)

    ended = wait_for_end(made.submit().id, 60)

    assert (ended.status, ended.nodes.success) == (WorkflowStatus.SUCCESS, 40)


def test_a_rerun_job_lets_its_workflow_go_on(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    made = (
        workflow("rerun")
        .add("a", nodes.echo, value="tests:nodes:rerun")
        .add("b", nodes.fail_unless, key=result_of("a"), on_failure="skip")
        .add("c", nodes.echo, value=result_of("b"))
        .submit()
    )
    wait_for_end(made.id)
    inspector.redis.set("tests:nodes:rerun", 1)

    assert app.AsyncResult(build_node_id(made.id, "b")).rerun()

    wait_until(lambda: read_states(made.id)["c"] == "success", 30)
    assert wait_for_end(made.id).status is WorkflowStatus.SUCCESS


def test_results_are_kept_until_the_workflow_has_ended(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    sweep_all(inspector)
    made = (
        workflow("slow")
        .add("a", nodes.echo, value="kept")
        .add("b", nodes.echo, value=result_of("a"), options={"delay": 3_600})
        .submit()
    )
    wait_until(lambda: read_states(made.id)["a"] == "success")

    during = sweep_all(inspector)
    result = read_result(made.id, "a")
    app.workflows.cancel(made.id)
    wait_for_end(made.id)

    assert (during, result) == (0, "kept")
    assert sweep_all(inspector) >= 1


def sweep_all(inspector: JobInspector) -> int:
    """Delete what has succeeded and is kept for no time; how many records."""
    place = {"kind_queue": "tests.nodes.echo@celery", "status": TaskStatus.SUCCESS, "offset": 0}
    return app.store.run(maintenance.sweep(retention=0, most=1_000, **place))[0]

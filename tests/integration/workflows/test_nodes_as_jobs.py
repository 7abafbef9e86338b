"""Limits, lanes, priorities, switches, delays and expiry hold for nodes as for other jobs."""

from typing import Any

import pytest

from project.celery import app
from project.errors import InvalidField
from project.records.record import TaskRecord
from project.records.switch import Switch
from project.records.workflow import Workflow, WorkflowStatus
from project.store.commands import limits, queues, switches
from project.workflows.building import Building, item, result_of, workflow
from project.workflows.nodes import build_node_id
from tests.support.apps import kinds, nodes
from tests.support.lane_workers import put
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until

OPTIONS = ("--concurrency=3", "--include=tests.support.apps.nodes,tests.support.apps.kinds")


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    """One worker for these tests."""
    return worker_pool.start(*OPTIONS).ready()


def wait_for_end(workflow_id: str) -> Workflow:
    def find() -> Workflow | None:
        page = app.workflows.get(workflow_id)
        return page.workflow if page and page.workflow.is_final else None

    return wait_until(find, 30)


def job_of(workflow_id: str, node: str) -> TaskRecord | None:
    record: TaskRecord | None = app.AsyncResult(build_node_id(workflow_id, node)).record
    return record


def record_of(workflow_id: str, node: str) -> TaskRecord:
    record = job_of(workflow_id, node)
    assert record is not None
    return record


def build_rows(count: int, task: Any, **more: Any) -> Building:
    """A list, and a fan-out over its rows."""
    rows = result_of("list", "rows")
    return (
        workflow("rows")
        .add("list", nodes.list_customers, count=count)
        .add("each", task, for_each=rows, **more)
    )


def count_most_running(inspector: JobInspector, workflow_id: str, names: list[str]) -> int:
    """Let the nodes, of ``tests.hold``, end one after the other; how many ran at once at most."""
    ids, most = [build_node_id(workflow_id, name) for name in names], 0
    for _ in names:
        answer = inspector.redis.blpop([f"tests:held:{each}" for each in ids], 30)
        assert answer
        held = [each for each in ids if inspector.has_record(each)]
        running = [each for each in held if inspector.record(each).status == "running"]
        most = max(most, len(running))
        inspector.release(int(answer[1]))
        inspector.wait_until_final(answer[0].rpartition(":")[2])
    return most


@pytest.mark.parametrize("about", [{}, {"each": "lane"}, {"lane": "acme"}], ids=str)
def test_a_limit_lets_one_row_of_a_fan_out_run_at_a_time(
    inspector: JobInspector, worker: WorkerProgram, about: dict[str, str]
) -> None:
    put(app.store, "one", kind="tests.hold", concurrency=1, **about)
    made = build_rows(4, kinds.hold, options={"lane": "acme"}).submit()

    most = count_most_running(inspector, made.id, [f"each[{row}]" for row in range(4)])
    ended = wait_for_end(made.id)
    app.store.run(limits.delete_limit("one"))

    assert (most, ended.status) == (1, WorkflowStatus.SUCCESS)


def test_nodes_that_become_ready_together_start_by_their_priorities(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    put(app.store, "one", kind="tests.nodes.echo", concurrency=1)
    app.store.run(queues.pause("celery"))
    made = workflow("order")
    for name, priority in (("last", 9), ("middle", 6), ("first", 0)):
        made.add(name, nodes.echo, value=name, options={"priority": priority})
    workflow_id = made.submit().id

    app.store.run(queues.resume("celery"))
    wait_for_end(workflow_id)
    app.store.run(limits.delete_limit("one"))

    names = ["last", "middle", "first"]
    names.sort(key=lambda name: record_of(workflow_id, name).started_at or 0)
    assert names == ["first", "middle", "last"]


def test_a_switch_holds_nodes_back_and_the_workflow_goes_on_when_it_is_gone(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    app.store.run(switches.put_switch("off", Switch(kind="tests.nodes.join")))
    made = (
        build_rows(2, nodes.invoice, customer=item())
        .add("join", nodes.join, parts=result_of("each"))
        .submit()
    )
    wait_until(lambda: (job := job_of(made.id, "join")) and job.held_by == "switch:off", 20)

    app.store.run(switches.delete_switch("off"))

    assert wait_for_end(made.id).status is WorkflowStatus.SUCCESS


def test_a_switch_that_cancels_ends_a_node_and_its_workflow(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    switch = Switch(kind="tests.nodes.join", action="cancel")
    app.store.run(switches.put_switch("off", switch))
    made = (
        workflow("off")
        .add("a", nodes.echo, value=["x"])
        .add("join", nodes.join, parts=result_of("a"))
        .add("b", nodes.echo, after=["join"])
        .submit()
    )

    ended = wait_for_end(made.id)
    app.store.run(switches.delete_switch("off"))

    assert (ended.status, ended.stopped) == (WorkflowStatus.FAILED, "join")
    assert record_of(made.id, "join").status == "cancelled"


def test_the_delay_of_a_node_begins_when_those_before_it_have_ended(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    made = (
        workflow("delay")
        .add("a", nodes.echo, options={"countdown": 0.6})
        .add("b", nodes.echo, after=["a"], options={"countdown": 0.6})
        .submit()
    )

    wait_for_end(made.id)

    first, second = record_of(made.id, "a"), record_of(made.id, "b")
    assert (second.started_at or 0) - (first.finished_at or 0) >= 0.6


def test_the_time_in_which_a_node_has_to_start_counts_from_when_its_job_is_made(
    inspector: JobInspector, worker: WorkerProgram
) -> None:
    made = (
        workflow("expires")
        .add("a", nodes.echo, options={"countdown": 1.5})
        .add("b", nodes.echo, after=["a"], options={"expires": 1})
        .add("c", kinds.add, after=["b"], x=1, y=2, options={"expires": 0.5}, on_failure="skip")
    )
    app.store.run(switches.put_switch("off", Switch(kind="tests.add")))
    workflow_id = made.submit().id
    held = wait_until(lambda: (job := job_of(workflow_id, "c")) and job.held_by and job, 20)
    wait_until(lambda: inspector.redis.time()[0] > held.created_at + 1, 20)

    app.store.run(switches.delete_switch("off"))
    ended = wait_for_end(workflow_id)

    assert record_of(workflow_id, "b").status == "success"
    assert "expired" in (record_of(workflow_id, "c").error or "").lower()
    assert ended.status is WorkflowStatus.FAILED


def test_a_lane_that_follows_from_a_result_is_refused(inspector: JobInspector) -> None:
    made = build_rows(2, nodes.for_customer, customer=item())

    with pytest.raises(InvalidField, match=r"nodes\[1\]\.lane: .* needs customer.name"):
        made.submit()

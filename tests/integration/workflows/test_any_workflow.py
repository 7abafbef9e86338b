"""Any workflow ends, whatever its jobs do: they succeed, fail, are cut off, cancelled and retried.

The jobs are ended by hand, in any order, on a real Valkey. ``TEST_WORKFLOWS`` is the number of
workflows, ``TEST_NODES`` how many nodes they have at most.
"""

import os
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from project.records.record import TaskStatus
from project.records.workflow import NodeStatus, Workflow, WorkflowNode, WorkflowStatus
from project.store.client import Store
from project.store.commands import attempts, jobs, workflows
from project.store.commands.workflows import CancelResult, NewWorkflow, StagedNode
from project.workflows.nodes import build_node_id
from tests.support.job_commands import message, record

WORKFLOWS = int(os.environ.get("TEST_WORKFLOWS", "40"))
NODES = int(os.environ.get("TEST_NODES", "40"))

pytestmark = pytest.mark.timeout(max(300, WORKFLOWS * NODES))

LIMITS = settings(
    max_examples=WORKFLOWS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
MOST_RERUNS = 1_000
BAD = (NodeStatus.FAILED, NodeStatus.CANCELLED)


@dataclass
class Graph:
    """Nodes by number; each waits for some before it. ``rows``: of fan-outs, from which node."""

    parents: list[list[int]]
    how: list[str]
    rows: dict[int, int] = field(default_factory=dict)

    def build(self, workflow_id: str) -> list[StagedNode]:
        return [self.build_node(workflow_id, number) for number in range(len(self.parents))]

    def build_node(self, workflow_id: str, number: int) -> StagedNode:
        children = [f"n{child}" for child, of in enumerate(self.parents) if number in of]
        each = f"n{self.rows[number]}.result.rows" if number in self.rows else ""
        job_id = "@id@" if each else build_node_id(workflow_id, f"n{number}")
        made = message(job_id, "k")
        waits = len(self.parents[number])
        return StagedNode(f"n{number}", made, self.how[number], children, waits, each)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, NODES))
    choices = Random(draw(st.integers(0, 2**32)))  # noqa: S311 - not a secret
    parents = [
        sorted({choices.randrange(number) for _ in range(choices.randrange(4))}) if number else []
        for number in range(count)
    ]
    how = [choices.choice(("stop", "continue", "skip", "skip")) for _ in range(count)]
    rows = {
        number: choices.choice(of)
        for number, of in enumerate(parents)
        if of and choices.random() < 0.2
    }
    return Graph(parents, how, {n: of for n, of in rows.items() if of not in rows})


class Run:
    """One workflow whose jobs this test ends."""

    def __init__(self, store: Store, graph: Graph, seed: int) -> None:
        self.store = store
        self.graph = graph
        self.choices = Random(seed)  # noqa: S311 - not a secret
        self.ends: dict[str, int] = {}
        self.id = f"w{seed}"
        for step in workflows.stage(self.id, graph.build(self.id)):
            store.run(step)
        store.run(workflows.create(NewWorkflow(id=self.id, name="w", total=len(graph.how)), None))

    @property
    def workflow(self) -> Workflow:
        page = self.store.run(workflows.read(self.id))
        assert page
        return page.workflow

    def list_active(self) -> list[str]:
        found: Any = self.store.client.smembers(f"continuo:workflow:{self.id}:active")
        return sorted(name.decode() for name in found)

    def read_nodes(self) -> dict[str, WorkflowNode]:
        page = self.store.run(workflows.read(self.id, limit=500))
        assert page
        rows = [node for each in page.nodes if each.rows for node in self.read_rows(each.id)]
        return {node.id: node for node in [*page.nodes, *rows]}

    def read_rows(self, node: str) -> list[WorkflowNode]:
        page = self.store.run(workflows.read(self.id, limit=500, node=node))
        assert page
        return page.nodes

    def go_on(self, failures: float) -> None:
        """End jobs until the workflow has ended; every look at it finds something to end."""
        for _ in range(1_000 * NODES):
            active = self.list_active()
            if not active:
                break
            self.end(self.choices.choice(active), failures)

    def end(self, node: str, failures: float) -> None:
        job_id = build_node_id(self.id, node)
        before = record(self.store, job_id)
        kind = self.choices.random()
        if kind < failures / 4:
            self.store.run(attempts.cancel(job_id))
            self.ends[node] = self.ends.get(node, 0) + 1
            return
        rerun_id = (self.store.client.hget(f"continuo:job:{job_id}", "rerun_id") or b"").decode()
        about = {"retries": before.attempts, "token": "t", "rerun_id": rerun_id}
        self.store.run(attempts.start(job_id, **about))
        if kind > 0.9:
            self.store.run(attempts.interrupt(job_id, token="t"))
            return
        if kind < failures:
            self.store.run(
                attempts.fail(
                    job_id,
                    token="t",
                    status=TaskStatus.FAILED,
                    error="e",
                    exception="{}",
                    result_message="{}",
                )
            )
        else:
            rows = ",".join(map(str, range(self.choices.randrange(4))))
            done = attempts.succeed(
                job_id, token="t", result=f'{{"rows":[{rows}]}}', result_message="{}"
            )
            self.store.run(done)
            self.store.run(done)  # its answer was lost
        self.ends[node] = self.ends.get(node, 0) + 1

    def rerun_all(self) -> None:
        step = self.store.run(workflows.retry(self.id))
        assert step.how == "reopened"
        assert step.cursor is None
        for job_id in self.store.run(workflows.list_to_rerun(self.id)).jobs:
            self.rerun(job_id)

    def rerun(self, job_id: str) -> None:
        done = record(self.store, job_id)
        again = message(job_id, "k", text=f"again {job_id}")
        assert self.store.run(jobs.rerun(again, attempts=done.attempts))

    def rerun_some(self) -> bool:
        """Rerun jobs that failed, one after the other; whether there were any."""
        bad = [node for node in self.read_nodes().values() if node.status in BAD and node.task]
        for node in self.choices.sample(bad, self.choices.randint(min(1, len(bad)), len(bad))):
            self.rerun(str(node.task))
            self.ends.pop(node.id, None)
            if self.choices.random() < 0.3 and node.id in self.list_active():
                self.end(node.id, failures=0.3)
        return bool(bad)

    def check(self) -> None:
        """Every node stands where the ends of those before it say."""
        nodes, workflow = self.read_nodes(), self.workflow
        assert workflow.is_final
        for number, parents in enumerate(self.graph.parents):
            self.check_node(nodes, nodes[f"n{number}"], [nodes[f"n{parent}"] for parent in parents])
        states = [node.status for node in nodes.values()]
        assert workflow.nodes.total == len(nodes)
        for name in ("success", "failed", "cancelled", "skipped"):
            assert getattr(workflow.nodes, name) == states.count(NodeStatus(name))
        for node in nodes.values():
            if node.rows:
                states = [row.status for row in self.read_rows(node.id)]
                assert node.rows.failed == sum(state in BAD for state in states)
        assert all(count == 1 for count in self.ends.values())

    def check_node(
        self, nodes: dict[str, WorkflowNode], node: WorkflowNode, parents: list[WorkflowNode]
    ) -> None:
        skips = any(
            parent.status is NodeStatus.SKIPPED
            or (parent.status in BAD and parent.on_failure == "skip")
            for parent in parents
        )
        passes = all(
            parent.status is NodeStatus.SUCCESS
            or (parent.status in BAD and parent.on_failure == "continue")
            for parent in parents
        )
        if skips:
            assert node.status is NodeStatus.SKIPPED
        elif not passes:
            assert node.status is NodeStatus.STOPPED
        elif not self.workflow.stopped:
            assert node.status in (NodeStatus.SUCCESS, *BAD)
        assert node.status not in (NodeStatus.PENDING, NodeStatus.RUNNING, NodeStatus.BLOCKED)


@LIMITS
@given(graph=graphs(), seed=st.integers(0, 2**32))
def test_each_node_ends_once_and_nothing_waits_for_ever(
    store: Store, graph: Graph, seed: int
) -> None:
    store.client.flushall()
    run = Run(store, graph, seed)

    run.go_on(failures=0.2)

    run.check()


@LIMITS
@given(graph=graphs(), seed=st.integers(0, 2**32))
def test_a_retry_runs_what_failed_and_the_rest_until_all_has_succeeded(
    store: Store, graph: Graph, seed: int
) -> None:
    store.client.flushall()
    run = Run(store, graph, seed)
    run.go_on(failures=0.3)
    if run.workflow.status is WorkflowStatus.SUCCESS:
        return
    ended = {name for name, node in run.read_nodes().items() if node.status == "success"}

    run.rerun_all()
    run.ends = {}
    run.go_on(failures=0)

    run.check()
    assert run.workflow.status is WorkflowStatus.SUCCESS
    assert not ended & run.ends.keys()


@LIMITS
@given(graph=graphs(), seed=st.integers(0, 2**32))
def test_jobs_that_are_rerun_one_by_one_let_the_workflow_go_on(
    store: Store, graph: Graph, seed: int
) -> None:
    store.client.flushall()
    run = Run(store, graph, seed)
    run.go_on(failures=0.4)

    for _ in range(MOST_RERUNS):
        run.check()
        if not run.rerun_some():
            break
        run.go_on(failures=0.1)

    run.check()
    assert run.workflow.status is WorkflowStatus.SUCCESS


@LIMITS
@given(graph=graphs(), seed=st.integers(0, 2**32), steps=st.integers(0, NODES))
def test_a_cancelled_workflow_ends_with_what_runs(
    store: Store, graph: Graph, seed: int, steps: int
) -> None:
    store.client.flushall()
    run = Run(store, graph, seed)
    for _ in range(steps):
        if active := run.list_active():
            run.end(run.choices.choice(active), 0.1)
    was_final = run.workflow.is_final

    result = store.run(workflows.cancel(run.id))

    assert result is (CancelResult.FINAL if was_final else CancelResult.DONE)
    assert was_final or run.workflow.status is WorkflowStatus.CANCELLED
    if not was_final:
        run.check()
        run.rerun_all()
        run.ends = {}
        run.go_on(failures=0)
        run.check()


@LIMITS
@given(graph=graphs(), seed=st.integers(0, 2**32), steps=st.integers(0, NODES))
def test_a_round_mends_what_redis_has_lost_of_a_workflow(
    store: Store, graph: Graph, seed: int, steps: int
) -> None:
    store.client.flushall()
    run = Run(store, graph, seed)
    for _ in range(steps):
        if active := run.list_active():
            run.end(run.choices.choice(active), 0)
    key = f"continuo:workflow:{run.id}"
    for number in range(len(graph.how)):
        if run.choices.random() < 0.3 and f"n{number}" not in graph.rows:
            store.client.hincrby(f"{key}:left", f"n{number}", run.choices.choice((-1, 1)))
    store.client.hset(key, "updated_at", 1)
    store.client.zadd("continuo:workflows:open", {run.id: 1}, xx=True)

    store.run(workflows.do_round(1e9))

    run.go_on(failures=0)
    run.check()
    assert run.workflow.status is WorkflowStatus.SUCCESS

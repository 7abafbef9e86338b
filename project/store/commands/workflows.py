"""Commands of workflows: order, read, cancel and retry them, and what rounds do for them."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import batched
from typing import Any, NamedTuple

import msgspec

from project.records.workflow import (
    NodeResult,
    NodeRows,
    NodeStatus,
    Workflow,
    WorkflowCounts,
    WorkflowNode,
    WorkflowStatus,
)
from project.store.commands.command import (
    Argument,
    Command,
    decode_seconds,
    decode_text,
    decode_texts,
    encode_json,
    new_call_id,
)
from project.store.commands.jobs import IdempotentOrder
from project.store.commands.message import (
    JobArguments,
    Message,
    build_job_arguments,
    encode_callback,
)

NODES_PER_STEP = 500
"""Nodes that one script stores, or makes jobs of: it blocks Redis for about 10 ms."""

ENDS_PER_STEP = 100
"""Nodes that one script cancels, or whose ends it notes: the same."""

HOOKS = ("on_success", "on_failure", "on_complete")
"""The jobs that a batch can have made at its end."""


class NodeArguments(JobArguments, omit_defaults=True, kw_only=True):
    """The job of a node; ``each``: where the row is that it is made of."""

    each: str = ""


class StagedNode(NamedTuple):
    """A node as it is stored: ``waits`` is how many others it waits for."""

    id: str
    message: Message
    on_failure: str
    children: Sequence[str]
    waits: int
    each: str = ""


class NewWorkflow(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A workflow that is ordered; ``deadline`` in seconds from now.

    ``hooks``: jobs that are made at its end, by ``on_success`` and so on. ``open``: more may come.
    """

    id: str
    name: str
    total: int
    call_id: str = msgspec.field(default_factory=new_call_id)
    tenant: str | None = None
    deadline: float | None = None
    callback: str | None = None
    idempotency_key: str | None = None
    idempotency_seconds: int = 0
    hooks: dict[str, str] = {}
    open: bool = False


class CreateResult(NamedTuple):
    """``made``, ``replayed`` (the order of then, and its id), or ``gone``: order it again."""

    how: str
    id: str
    order: str


class CancelResult(StrEnum):
    """What became of a cancellation."""

    MORE = "more"
    DONE = "done"
    FINAL = "final"
    UNKNOWN = "unknown"


class RetryStep(NamedTuple):
    """``reopened``; else ``unknown``, ``running`` or ``success``: there is nothing to retry.

    ``cursor``: of the next step; None when this was the last one.
    """

    how: str
    cursor: str | None


class JobsToRerun(NamedTuple):
    """Some of the jobs that a retry runs again, and the cursor of the next; None: that was all."""

    cursor: str | None
    jobs: list[str]


class WorkflowPage(NamedTuple):
    """A workflow with a page of its nodes; ``next_offset`` is None on the last page."""

    workflow: Workflow
    nodes: list[WorkflowNode]
    next_offset: int | None


class WorkflowList(NamedTuple):
    """A page of workflows; ``total`` is how many there are, of any status.

    ``next_offset`` is None on the last page.
    """

    total: int
    workflows: list[Workflow]
    next_offset: int | None


def stage(workflow_id: str, nodes: Sequence[StagedNode]) -> Iterator[Command[None]]:
    """Store the nodes of a workflow, which is made by ``create`` within an hour."""
    for place, step in enumerate(batched(nodes, NODES_PER_STEP)):
        arguments: list[Argument] = [workflow_id, place * NODES_PER_STEP]
        for node in step:
            job = encode_json(build_node_arguments(node))
            graph = " ".join([node.on_failure, *node.children])
            arguments += (node.id, job, graph, node.waits, node.each)
        yield Command("workflows/stage", arguments, lambda _: None)


def build_node_arguments(node: StagedNode) -> NodeArguments:
    """The job of a node as the scripts keep it."""
    message = node.message
    plain = build_job_arguments(message._replace(unique=None))
    job = NodeArguments(**msgspec.structs.asdict(plain), each=node.each)
    job.id, job.payload, job.message = "", message.payload, message.text
    return job


def encode_hook(message: Message) -> str:
    """A job that is made at the end of a batch, as the scripts keep it."""
    return encode_json(build_node_arguments(StagedNode("", message, "", [], 0)))


def create(
    new: NewWorkflow, order: IdempotentOrder | None, callback: Message | None = None
) -> Command[CreateResult]:
    """Make a workflow of the nodes that ``stage`` has stored, and start the first of them."""
    key, text, seconds = order or IdempotentOrder("", "", 0)
    about = msgspec.structs.replace(
        new,
        idempotency_key=key or None,
        idempotency_seconds=seconds,
        callback=encode_callback(callback) if callback else None,
    )
    return Command(
        "workflows/make_workflow",
        (encode_json(about), text),
        lambda answer: CreateResult(*decode_texts(answer)),
    )


def add_nodes(
    workflow_id: str, nodes: Sequence[StagedNode], *, closes: bool = False, adder: str = ""
) -> Command[int]:
    """Add nodes to a batch; how many. ``adder``: the job of it that does so, "" for others.

    -1: there is no such batch. -2: it is closed. -3: it would have more than 100,000 nodes.
    """
    arguments: list[Argument] = [workflow_id, int(closes), adder]
    for node in nodes:
        arguments += (node.id, encode_json(build_node_arguments(node)), node.on_failure)
    return Command("workflows/add_nodes", arguments, int)


def forget(workflow_id: str) -> Command[bool]:
    """Delete a workflow that has ended. False: it has not, or there is none."""
    return Command("workflows/forget_workflow", (workflow_id,), bool)


def start_ready(workflow_id: str) -> Command[bool]:
    """Make jobs of nodes that are ready; whether there are more."""
    return Command("workflows/start_nodes", (workflow_id, NODES_PER_STEP), bool)


def cancel(workflow_id: str) -> Command[CancelResult]:
    """Let no node start any more, and cancel some of those that have not ended."""
    arguments = (workflow_id, ENDS_PER_STEP)
    return Command(
        "workflows/cancel_workflow", arguments, lambda answer: CancelResult(answer.decode())
    )


def retry(workflow_id: str, cursor: str = "") -> Command[RetryStep]:
    """Open a workflow again that did not succeed: one step, "" is the first."""

    def parse(answer: list[bytes]) -> RetryStep:
        how, *rest = decode_texts(answer)
        return RetryStep(how, read_cursor(rest[0]) if rest else None)

    return Command("workflows/retry_workflow", (workflow_id, cursor, NODES_PER_STEP), parse)


def list_to_rerun(workflow_id: str, cursor: str = "0") -> Command[JobsToRerun]:
    """Some of the jobs that have ended though their nodes are open again."""

    def parse(answer: list[bytes]) -> JobsToRerun:
        next_cursor, *found = decode_texts(answer)
        return JobsToRerun(read_cursor(next_cursor), found)

    return Command("workflows/list_to_rerun", (workflow_id, cursor, NODES_PER_STEP), parse)


def read_cursor(cursor: str) -> str | None:
    """A cursor of Redis; None when it says that there is no more."""
    return None if cursor == "0" else cursor


def do_round(retention: float) -> Command[float | None]:
    """Do what is due for one workflow; the seconds until more is, None: no workflow is open."""
    return Command(
        "workflows/tend_workflows",
        (NODES_PER_STEP, ENDS_PER_STEP, retention),
        lambda answer: float(answer) if answer else None,
    )


def read(
    workflow_id: str, *, offset: int = 0, limit: int = 0, node: str = "", status: str = ""
) -> Command[WorkflowPage | None]:
    """A workflow with some of its nodes, or of the rows of ``node``; None when there is none.

    ``status``: only nodes of this one are wanted; then the page may be short before the end.
    """

    def parse(answer: list[Any]) -> WorkflowPage | None:
        if not answer:
            return None
        fields, place, rows = answer
        workflow = parse_workflow(workflow_id, fields)
        nodes = [parse_node(row, workflow) for row in rows]
        return WorkflowPage(workflow, nodes, int(place) if place else None)

    return Command("workflows/read", (workflow_id, offset, limit, node, status), parse)


def list_page(tenant: str, offset: int, limit: int, status: str = "") -> Command[WorkflowList]:
    """Some workflows of a tenant, "" for all, newest first.

    ``status``: only those of this one are wanted; then the page may be short before the end.
    """

    def parse(answer: list[Any]) -> WorkflowList:
        total, place, *rest = answer
        pairs = zip(rest[::2], rest[1::2], strict=True)
        found = [parse_workflow(name.decode(), fields) for name, fields in pairs if fields]
        return WorkflowList(total, found, int(place) if place else None)

    return Command("workflows/list", (tenant, offset, limit, status), parse)


def read_results(workflow_id: str, nodes: Sequence[str]) -> Command[list[NodeResult]]:
    """The results of nodes, in their order."""

    def parse(answer: list[Any]) -> list[NodeResult]:
        return [
            NodeResult(state.decode(), rows != b"", decode_texts(results))
            for state, rows, results in answer
        ]

    return Command("workflows/read_results", (workflow_id, *nodes), parse)


def parse_workflow(workflow_id: str, fields: Sequence[bytes]) -> Workflow:
    """A workflow from the fields of its hash."""
    field = dict(zip(decode_texts(fields[::2]), fields[1::2], strict=True))

    def count(name: str) -> int:
        return int(field.get(name, b"0"))

    tenant = decode_text(field.get("tenant"))
    return Workflow(
        id=workflow_id,
        name=decode_text(field.get("name")),
        status=WorkflowStatus(decode_text(field.get("status"))),
        created_at=float(field["created_at"]),
        updated_at=float(field["updated_at"]),
        finished_at=decode_seconds(field.get("finished_at")),
        deadline=decode_seconds(field.get("deadline")),
        stopped=decode_text(field.get("stopped")) or None,
        nodes=WorkflowCounts(*map(count, WorkflowCounts.__struct_fields__)),
        tenant=tenant or msgspec.UNSET,
        is_open="open" in field,
        hooks={name: decode_text(field[name]) for name in HOOKS if name in field},
        delivery=decode_text(field.get("delivery")) or None,
    )


def parse_node(row: Sequence[Any], workflow: Workflow) -> WorkflowNode:
    """A node from the row that ``workflows/read`` gives."""
    *about, total, left, failed, became_at, ended_at, job = row
    name, state, job_id, kind, on_failure, each, children, error = map(decode_text, about)
    status, attempts, created_at, started_at, finished_at, problem = job
    if total:
        created_at = started_at = became_at
        finished_at = None if state == "expanded" else ended_at
    return WorkflowNode(
        id=name,
        status=find_status(state, decode_text(status), workflow),
        kind=kind,
        task=job_id if status else None,
        on_failure=on_failure,
        before=children.split(),
        each=each or None,
        rows=NodeRows(int(total), int(total) - int(left or 0), int(failed or 0)) if total else None,
        attempts=int(attempts or 0),
        created_at=decode_seconds(created_at),
        started_at=decode_seconds(started_at),
        finished_at=decode_seconds(finished_at),
        error=error or decode_text(problem),
    )


def find_status(state: str, job_status: str, workflow: Workflow) -> NodeStatus:
    """Where a node stands, from what its workflow and its job say."""
    if state == "pending":
        return NodeStatus(job_status or state)
    if state:
        return NodeStatus(state)
    return NodeStatus.STOPPED if workflow.is_final else NodeStatus.BLOCKED


def list_end_nodes(workflow_id: str, most: int) -> Command[list[str] | None]:
    """The nodes for which no other waits; None when there are more than ``most``."""

    def parse(answer: Any) -> list[str] | None:
        return sorted(decode_texts(answer)) if isinstance(answer, list) else None

    return Command("workflows/list_end_nodes", (workflow_id, most), parse)

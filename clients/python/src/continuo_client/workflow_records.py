"""Workflows and batches as the API takes and answers them. Times are seconds since 1970."""

from typing import Any, Literal, NotRequired, TypedDict

from continuo_client.orders import Order

WorkflowStatus = Literal["running", "success", "failed", "cancelled"]


class Node(TypedDict):
    """A node of a workflow that is ordered: a job of a kind, with the fields of an order of it.

    ``{"$from": "a.result.rows"}`` in the payload is the result of another node, or a part of it.
    """

    id: str
    kind: str
    payload: NotRequired[dict[str, Any]]
    after: NotRequired[list[str]]
    on_failure: NotRequired[Literal["stop", "continue", "skip"]]
    for_each: NotRequired[dict[str, str]]
    max_retries: NotRequired[int]
    delay: NotRequired[float]
    run_at: NotRequired[float]
    expires: NotRequired[float]
    priority: NotRequired[int]
    lane: NotRequired[str]
    tags: NotRequired[list[str]]
    callback_url: NotRequired[str]


class BatchOptions(TypedDict, total=False):
    """What a batch may say: jobs for its end, and whether it is ``closed`` at once."""

    closed: bool
    on_success: Order[Any]
    on_failure: Order[Any]
    on_complete: Order[Any]
    deadline: float
    callback_url: str


class NodeCounts(TypedDict):
    """How many nodes there are, the rows of fan-outs included, how many ended, and how."""

    total: int
    ended: int
    success: int
    failed: int
    cancelled: int
    skipped: int


class WorkflowRecord(TypedDict):
    """A workflow, or a batch, which takes more jobs while it is ``open``.

    ``stopped``: the node whose failure stopped it, ``cancel`` or ``deadline``. ``hooks``: the jobs
    that were made at its end.
    """

    id: str
    name: str
    status: WorkflowStatus
    created_at: float
    updated_at: float
    finished_at: float | None
    deadline: float | None
    stopped: str | None
    nodes: NodeCounts
    open: bool
    hooks: dict[str, str]
    tenant: NotRequired[str]


class NodeRows(TypedDict):
    """Of a fan-out: how many rows it has, and how many of them have ended."""

    total: int
    ended: int


class NodeRecord(TypedDict):
    """A node; ``task`` is the id of its job, ``before`` are the nodes that wait for it."""

    id: str
    status: str
    kind: str
    task: str | None
    on_failure: str
    before: list[str]
    each: str | None
    rows: NodeRows | None
    attempts: int
    started_at: float | None
    finished_at: float | None
    error: str


class ShownWorkflow(WorkflowRecord):
    """A workflow with a page of its nodes; ``results`` are those of its end nodes at its end."""

    page: list[NodeRecord]
    next_offset: int | None
    results: dict[str, Any] | None

"""A workflow as the API serves it: nodes, each a job, of which some wait for others. Pure."""

from enum import StrEnum
from typing import Any, Literal, NamedTuple

import msgspec

MAX_NODES = 10_000
MAX_ROWS = 10_000
"""Rows of one fan-out."""

type OnFailure = Literal["stop", "continue", "skip"]


class WorkflowStatus(StrEnum):
    """Where a workflow stands."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NodeStatus(StrEnum):
    """Where a node stands.

    ``blocked`` waits for others; ``stopped`` never started, because the workflow was stopped;
    ``expanded`` has become the nodes of its rows; ``skipped`` because one before it failed; the
    others are those of its job.
    """

    BLOCKED = "blocked"
    STOPPED = "stopped"
    EXPANDED = "expanded"
    SKIPPED = "skipped"
    PENDING = "pending"
    RUNNING = "running"
    RETRYING = "retrying"
    WAITING = "waiting"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NodeRows(msgspec.Struct, frozen=True):
    """Of a fan-out: how many rows it has, how many have ended, and of these without success."""

    total: int
    ended: int
    failed: int


class WorkflowNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node: ``task`` is the id of its job, null while it has none.

    ``before``: the nodes that wait for it. ``each``: where the rows of a fan-out come from. Times
    are in seconds since 1970; at ``created_at`` it waited for no other node any more.
    """

    id: str
    status: NodeStatus
    kind: str
    task: str | None
    on_failure: str
    before: list[str]
    each: str | None
    rows: NodeRows | None
    attempts: int
    created_at: float | None
    started_at: float | None
    finished_at: float | None
    error: str


class WorkflowCounts(msgspec.Struct, frozen=True):
    """How many nodes there are, the rows of fan-outs included, how many ended, and how."""

    total: int
    ended: int
    success: int
    failed: int
    cancelled: int
    skipped: int


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow, or a batch.

    ``stopped``: the node whose failure stopped it, ``cancel`` or ``deadline``. ``open``: it is a
    batch that takes more jobs. ``hooks``: the jobs that were made at its end. ``delivery``: the job
    that calls its ``callback_url``.
    """

    id: str
    name: str
    status: WorkflowStatus
    created_at: float
    updated_at: float
    finished_at: float | None
    deadline: float | None
    stopped: str | None
    nodes: WorkflowCounts
    tenant: str | msgspec.UnsetType = msgspec.UNSET
    is_open: bool = msgspec.field(default=False, name="open")
    hooks: dict[str, str] = {}
    delivery: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether it has ended; a retry opens it again."""
        return self.status is not WorkflowStatus.RUNNING


class ShownWorkflow(Workflow, frozen=True, kw_only=True):
    """A workflow with a page of its nodes, each after those that it waits for.

    ``results``: those of its end nodes, once it has ended; null when there are more than 100.
    """

    page: list[WorkflowNode]
    next_offset: int | None
    results: dict[str, Any] | None = None


class NodeResult(NamedTuple):
    """What a node has: its state, and its result as JSON, or those of its rows."""

    state: str
    is_fan_out: bool
    results: list[str]

"""Commands that read the canvas of Celery that a job is part of."""

from typing import Any, NamedTuple

import msgspec

from project.records.workflow import NodeStatus, WorkflowNode
from project.store.commands.command import Command, decode_json, decode_seconds, decode_text


class PlannedJob(NamedTuple):
    """A job that comes after another: its kind, "" for that other, and the ids of the next."""

    id: str
    kind: str
    before: list[str]


class CanvasJob(NamedTuple):
    """A job of a canvas, as a node without edges; ``parent`` is the job that has sent it.

    ``plan``: what was to come after it when it was sent.
    """

    node: WorkflowNode
    tenant: str
    parent: str
    plan: list[PlannedJob]


class StoredCanvas(NamedTuple):
    """The jobs of a canvas; ``total`` is how many have been sent and are still kept."""

    id: str
    total: int
    jobs: list[CanvasJob]


def read(job_id: str, most: int) -> Command[StoredCanvas | None]:
    """The canvas that a job is part of, with so many jobs at most; None for no canvas."""

    def parse(answer: list[Any]) -> StoredCanvas | None:
        if not answer:
            return None
        name, total, *rows = answer
        return StoredCanvas(decode_text(name), total, [parse_job(row) for row in rows])

    return Command("queries/read_canvas", (job_id, most), parse)


def parse_job(row: list[Any]) -> CanvasJob:
    """A job from the row that the script gives."""
    job_id, status, kind, attempts, created_at, started_at, finished_at, *texts = row
    error, tenant, parent, plan = texts
    node = build_node(
        decode_text(job_id),
        decode_text(kind),
        NodeStatus(decode_text(status)),
        attempts=int(attempts or 0),
        created_at=decode_seconds(created_at),
        started_at=decode_seconds(started_at),
        finished_at=decode_seconds(finished_at),
        error=decode_text(error),
    )
    planned = msgspec.convert(decode_json(plan) or [], list[PlannedJob])
    return CanvasJob(node, decode_text(tenant), decode_text(parent), planned)


def build_node(job_id: str, kind: str, status: NodeStatus, **about: Any) -> WorkflowNode:
    """A job, or one that is still to be sent, as a node; the name of the node is the id."""
    unknown = {"attempts": 0, "created_at": None, "started_at": None, "finished_at": None}
    return WorkflowNode(
        id=job_id,
        status=status,
        kind=kind,
        task=None if status is NodeStatus.BLOCKED else job_id,
        on_failure="stop",
        before=[],
        each=None,
        rows=None,
        **{"error": "", **unknown, **about},
    )

"""Workflows as answers, and only those that the caller may see."""

from typing import Annotated

import msgspec

from api.http.problems import Problem
from api.http.routing import Request
from project.celery import app
from project.records.workflow import NodeStatus, Workflow
from project.store.commands import workflows
from project.store.commands.workflows import WorkflowPage

MAX_NODES_PER_PAGE = 500


class WorkflowQuery(msgspec.Struct, frozen=True):
    """Which nodes are shown: a page of all, or of the rows of one ``node``, of any ``status``.

    With a status a page may be short, or empty, although ``next_offset`` is not null: at most
    10,000 nodes are looked at for it.
    """

    offset: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    limit: Annotated[int, msgspec.Meta(ge=0, le=MAX_NODES_PER_PAGE)] = 100
    node: str = ""
    status: NodeStatus | None = None


async def fetch_page(request: Request, workflow_id: str, query: WorkflowQuery) -> WorkflowPage:
    """A workflow that the caller may see. Raises ``Problem`` 404."""
    wanted = query.status or ""
    command = workflows.read(
        workflow_id, offset=query.offset, limit=query.limit, node=query.node, status=wanted
    )
    page = await app.async_store.run(command)
    if page is None or (request.tenant and page.workflow.tenant != request.tenant):
        raise Problem(404, f"There is no workflow with the id {workflow_id[:100]!r}")
    return page


def show(workflow: Workflow, request: Request) -> Workflow:
    """A workflow as the caller sees it: a caller for all tenants is told the tenant."""
    return msgspec.structs.replace(workflow, tenant=msgspec.UNSET) if request.tenant else workflow

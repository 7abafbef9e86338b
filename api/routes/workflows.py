"""Routes of workflows: order one, show and list them, cancel and retry them."""

import asyncio
from typing import Annotated, Any

import msgspec

from api.http.offload import run_apart
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs.orders import (
    ANSWER_HEADERS,
    POLL_SECONDS,
    REPLAYED_HEADER,
    REQUEST_HEADERS,
    read_idempotency,
    require_same_order,
)
from api.jobs.quotas import note_orders, require_quota
from api.jobs.workflow_orders import WorkflowOrder, build_calls
from api.jobs.workflows import WorkflowQuery, fetch_page, show
from api.routes.tasks.tasks import TASK_PATH, fetch_requested_record
from project.celery import app
from project.job.canvas.graph import build_graph
from project.job.running.results import decode_result
from project.records.grouping import CONTROL_QUEUE
from project.records.workflow import ShownWorkflow, Workflow, WorkflowNode, WorkflowStatus
from project.settings.api_keys import ANY_KIND
from project.store.commands import canvas, workflows
from project.store.commands.workflows import CancelResult
from project.workflows.nodes import build_node_id
from tasks.control import retry_workflow as retry_workflow_jobs

PATH = "/workflows"
ONE = PATH + "/{id}"
SCOPE = "workflow"
"""Idempotency keys are kept for each kind, and for workflows."""

SMALL_WORKFLOW = 20
MAX_RESULTS = 100
"""End nodes whose results are shown."""

routes = Router()


MAX_CANVAS_JOBS = 1_000


class Canvas(msgspec.Struct, frozen=True):
    """The jobs of a canvas as nodes, each after those that it waits for; their names are the ids.

    A node that is still to be sent is ``blocked``. ``complete``: these are all that were sent and
    are still kept.
    """

    id: str
    nodes: list[WorkflowNode]
    is_complete: bool = msgspec.field(name="complete")


class WorkflowListQuery(msgspec.Struct, frozen=True):
    """Which part of the list: workflows of a ``status``, or of any.

    With a status a page may be short, or empty, although ``next_offset`` is not null: at most 1,000
    workflows are looked at for it.
    """

    offset: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    status: WorkflowStatus | None = None


class WorkflowList(msgspec.Struct, frozen=True):
    """A page of workflows, newest first; ``next_offset`` asks for the next page, if any.

    ``total`` is how many there are, of any status.
    """

    workflows: list[Workflow]
    total: int
    next_offset: int | None


@routes.post(
    PATH,
    body=WorkflowOrder,
    scope=ANY_KIND,
    answers={202: Workflow},
    errors=(409, 429, 503),
    request_headers=REQUEST_HEADERS,
    answer_headers={202: ANSWER_HEADERS},
    summary="Order a workflow: jobs of which some wait for others",
    description="All of it is checked before anything is made. The jobs of nodes that wait for no "
    "other are there when the answer comes.",
    tags=["workflows"],
)
async def order_workflow(request: Request, body: WorkflowOrder) -> Answer:
    """Check the workflow and make it."""
    is_large = len(body.nodes) > SMALL_WORKFLOW
    said = await run_apart(read_idempotency, request, body, SCOPE, is_large=is_large)
    calls = await run_apart(build_calls, body, request, is_large=is_large)
    await require_quota(request, len(calls))
    made = await asyncio.to_thread(
        app.workflows.of(request.tenant).submit,
        body.name,
        calls,
        deadline=body.deadline,
        callback_url=body.callback_url,
        order=said,
    )
    if made.how == "made":
        await note_orders(request, [build_node_id(made.id, call.id) for call in calls])
    headers = {"Location": f"{PATH}/{made.id}", "Retry-After": str(POLL_SECONDS)}
    if made.how == "replayed":
        require_same_order(made.order, said)
        headers[REPLAYED_HEADER] = "true"
    page = await fetch_page(request, made.id, WorkflowQuery(limit=0))
    return Answer(show(page.workflow, request), 202, headers)


@routes.get(
    PATH,
    query=WorkflowListQuery,
    answers={200: WorkflowList},
    summary="List workflows, newest first",
    tags=["workflows"],
)
async def list_workflows(request: Request, query: WorkflowListQuery) -> Answer:
    """Answer a page of the workflows of the caller."""
    command = workflows.list_page(request.tenant, query.offset, query.limit, query.status or "")
    found = await app.async_store.run(command)
    shown = [show(each, request) for each in found.workflows]
    return Answer(WorkflowList(shown, found.total, found.next_offset))


@routes.get(
    ONE,
    query=WorkflowQuery,
    answers={200: ShownWorkflow},
    errors=(404, 503),
    summary="Show a workflow",
    tags=["workflows"],
)
async def show_workflow(request: Request, query: WorkflowQuery) -> Answer:
    """Answer the workflow with a page of its nodes."""
    page = await fetch_page(request, request.params["id"], query)
    workflow = show(page.workflow, request)
    shown = ShownWorkflow(
        **msgspec.structs.asdict(workflow),
        page=page.nodes,
        next_offset=page.next_offset,
        results=await read_end_results(workflow.id) if workflow.is_final else None,
    )
    return Answer(shown)


@routes.post(
    ONE + "/cancel",
    scope="control",
    answers={202: Workflow},
    errors=(404, 409, 503),
    summary="Cancel a workflow",
    description="No node starts any more, and those that run end within two seconds.",
    tags=["workflows"],
)
async def cancel_workflow(request: Request) -> Answer:
    """Cancel what has not ended."""
    page = await fetch_page(request, request.params["id"], WorkflowQuery(limit=0))
    result = await asyncio.to_thread(app.workflows.cancel, page.workflow.id)
    if result is CancelResult.FINAL:
        raise Problem(409, "The workflow has ended")
    page = await fetch_page(request, page.workflow.id, WorkflowQuery(limit=0))
    return Answer(show(page.workflow, request), 202)


@routes.post(
    ONE + "/retry",
    scope="control",
    answers={202: Workflow},
    errors=(404, 409, 503),
    summary="Run again what failed in a workflow",
    description="The rest of it goes on then; what succeeded does not run again. It has no "
    "deadline any more. A job of the kind retry_workflow does the work.",
    tags=["workflows"],
)
async def retry_workflow(request: Request) -> Answer:
    """Run again what failed or was cancelled."""
    page = await fetch_page(request, request.params["id"], WorkflowQuery(limit=0))
    how = await asyncio.to_thread(app.workflows.reopen, page.workflow.id)
    if how != "reopened":
        raise Problem(409, f"There is nothing to retry: the workflow is {how}")
    await retry_workflow_jobs.aapply_async(
        kwargs={"workflow_id": page.workflow.id}, queue=CONTROL_QUEUE, tenant=request.tenant
    )
    page = await fetch_page(request, page.workflow.id, WorkflowQuery(limit=0))
    return Answer(show(page.workflow, request), 202)


@routes.get(
    TASK_PATH + "/canvas",
    answers={200: Canvas},
    errors=(404, 503),
    summary="Show the canvas of Celery that a job is part of, as a graph",
    description="A chain, a group or a chord, with what is in it. At most 1,000 jobs are shown.",
    tags=["workflows"],
)
async def show_canvas(request: Request) -> Answer:
    """Answer the jobs of the canvas as nodes. Raises ``Problem`` 404."""
    record = await fetch_requested_record(request)
    found = await app.async_store.run(canvas.read(record.id, MAX_CANVAS_JOBS))
    if found is None:
        raise Problem(404, "This job is part of no chain, group or chord")
    jobs = [job for job in found.jobs if not request.tenant or job.tenant == request.tenant]
    nodes = await run_apart(build_graph, jobs, is_large=len(jobs) > SMALL_WORKFLOW)
    return Answer(Canvas(found.id, nodes, is_complete=found.total <= MAX_CANVAS_JOBS))


async def read_end_results(workflow_id: str) -> dict[str, Any] | None:
    """The results of the end nodes; None when there are too many."""
    names = await app.async_store.run(workflows.list_end_nodes(workflow_id, MAX_RESULTS))
    if names is None:
        return None
    found = await app.async_store.run(workflows.read_results(workflow_id, names))
    return {
        name: decode_result(name, result)
        for name, result in zip(names, found, strict=True)
        if result.state == "success" and (result.is_fan_out or result.results[0])
    }

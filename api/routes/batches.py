"""Routes of batches: make one, add jobs, close, show and delete it. A batch is a workflow."""

from typing import Annotated, Any, ClassVar

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs.batch_orders import BatchAbout, add, build_hooks, check_jobs, make
from api.jobs.orders import (
    KEY_HEADER,
    REPLAYED,
    REPLAYED_HEADER,
    REQUEST_HEADERS,
    read_idempotency,
)
from api.jobs.quotas import require_quota
from api.jobs.workflows import WorkflowQuery, fetch_page, show
from project.celery import app
from project.errors import InvalidField
from project.records.workflow import Workflow
from project.settings.api_keys import ANY_KIND
from project.store.commands import workflows
from project.workflows.batches import MAX_JOBS_PER_CALL

PATH = "/batches"
ONE = PATH + "/{id}"

ADD_HEADERS = {KEY_HEADER: "The same jobs under the same key are added once."}

type Jobs = Annotated[list[dict[str, Any]], msgspec.Meta(max_length=MAX_JOBS_PER_CALL)]

routes = Router()


class BatchOrder(BatchAbout, frozen=True, kw_only=True):
    """A batch: each of ``jobs`` has a ``kind`` and the fields of an order of it.

    More jobs can be added until it is ``closed``. Then, when all have ended, one of ``on_success``
    and ``on_failure`` is ordered, and ``on_complete`` in any case; they are orders like ``jobs``.
    """

    example: ClassVar[dict[str, Any]] = {
        "name": "night",
        "jobs": [{"kind": "report", "type": "summary"}],
        "closed": True,
        "on_complete": {"kind": "email_blast", "recipients": ["ada@example.com"]},
    }
    keeps_decimals: ClassVar[bool] = True
    """As in bulk orders; they are converted."""

    jobs: Jobs = msgspec.field(default_factory=list)
    closed: bool = False


class MoreJobs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Jobs for a batch, which is ``closed`` after them if wanted; more can be sent until then."""

    example: ClassVar[dict[str, Any]] = {"jobs": [{"kind": "report", "type": "summary"}]}
    keeps_decimals: ClassVar[bool] = True
    """As in bulk orders; they are converted."""

    jobs: Jobs
    closed: bool = False


@routes.post(
    PATH,
    body=BatchOrder,
    scope=ANY_KIND,
    answers={202: Workflow},
    errors=(409, 429, 503),
    request_headers=REQUEST_HEADERS,
    answer_headers={202: {"Location": "The batch.", **REPLAYED}},
    summary="Make a batch: jobs that belong together, and jobs for their end",
    description="Its id is that of a workflow: cancel and retry it there.",
    tags=["batches"],
)
async def make_batch(request: Request, body: BatchOrder) -> Answer:
    """Check all of it, make the batch and add its jobs."""
    said = read_idempotency(request, body, PATH)
    calls = await check_jobs(body.jobs, request, said)
    hooks = build_hooks(body, request)
    await require_quota(request, max(len(calls), 1))
    made = await make(request, body, hooks, calls, said, closes=body.closed)
    return await answer_batch(request, made.id, is_replayed=made.how == "replayed")


@routes.post(
    ONE + "/jobs",
    body=MoreJobs,
    scope=ANY_KIND,
    answers={202: Workflow},
    errors=(404, 409, 429, 503),
    request_headers=ADD_HEADERS,
    answer_headers={202: {"Location": "The batch."}},
    summary="Add jobs to a batch",
    description="All of them, or none if one is wrong.",
    tags=["batches"],
)
async def add_batch_jobs(request: Request, body: MoreJobs) -> Answer:
    """Add jobs to a batch that is open."""
    page = await fetch_page(request, request.params["id"], WorkflowQuery(limit=0))
    said = read_idempotency(request, body, f"{PATH}/{page.workflow.id}")
    calls = await check_jobs(body.jobs, request, said)
    await require_quota(request, max(len(calls), 1))
    try:
        await add(request, page.workflow.id, calls, closes=body.closed)
    except InvalidField as problem:
        if problem.field == "batch":
            raise Problem(409, problem.problem.capitalize()) from None
        raise
    return await answer_batch(request, page.workflow.id)


@routes.post(
    ONE + "/close",
    scope=ANY_KIND,
    answers={202: Workflow},
    errors=(404, 503),
    answer_headers={202: {"Location": "The batch."}},
    summary="Close a batch",
    description="It ends when its jobs have ended. One that is closed stays as it is.",
    tags=["batches"],
)
async def close_batch(request: Request) -> Answer:
    """Take no more jobs."""
    page = await fetch_page(request, request.params["id"], WorkflowQuery(limit=0))
    if page.workflow.is_open:
        command = workflows.add_nodes(page.workflow.id, [], closes=True)
        await app.async_store.run(command)
    return await answer_batch(request, page.workflow.id)


@routes.get(
    ONE,
    answers={200: Workflow},
    errors=(404, 503),
    summary="Show a batch",
    description="Its counts and the jobs of its end; its jobs are the nodes of the workflow with "
    "the same id.",
    tags=["batches"],
)
async def show_batch(request: Request) -> Answer:
    """Answer where the batch stands."""
    page = await fetch_page(request, request.params["id"], WorkflowQuery(limit=0))
    return Answer(show(page.workflow, request))


@routes.delete(
    ONE,
    scope="control",
    answers={204: None},
    errors=(404, 409, 503),
    summary="Delete a batch that has ended",
    description="The records of its jobs stay until their retention is over.",
    tags=["batches"],
)
async def delete_batch(request: Request) -> Answer:
    """Delete the batch."""
    page = await fetch_page(request, request.params["id"], WorkflowQuery(limit=0))
    if not await app.async_store.run(workflows.forget(page.workflow.id)):
        raise Problem(409, "The batch has not ended: cancel it first")
    return Answer(status=204)


async def answer_batch(request: Request, batch_id: str, *, is_replayed: bool = False) -> Answer:
    """202 with the batch."""
    page = await fetch_page(request, batch_id, WorkflowQuery(limit=0))
    headers = {"Location": f"{PATH}/{batch_id}"}
    if is_replayed:
        headers[REPLAYED_HEADER] = "true"
    return Answer(show(page.workflow, request), 202, headers)

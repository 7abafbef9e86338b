"""Routes of batches: make one, add jobs, close, show and delete it. A batch is a workflow."""

import asyncio
from typing import Annotated, Any, ClassVar

import msgspec

from api.http.offload import run_apart
from api.http.parsing import convert_order
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs.kinds import kind_of
from api.jobs.orders import (
    KEY_HEADER,
    REPLAYED,
    REPLAYED_HEADER,
    REQUEST_HEADERS,
    read_idempotency,
    require_same_order,
)
from api.jobs.quotas import require_quota, require_small_order
from api.jobs.workflow_orders import require_scope
from api.jobs.workflows import WorkflowQuery, fetch_page, show
from project.celery import app
from project.errors import InvalidField
from project.messages.order_fields import Url
from project.records.workflow import Workflow
from project.settings.api_keys import ANY_KIND
from project.store.commands import workflows
from project.store.commands.jobs import IdempotentOrder
from project.workflows.batches import MAX_JOBS_PER_CALL, add_jobs, begin_batch, name_job
from project.workflows.book import MAX_DEADLINE_SECONDS, MAX_NAME_CHARACTERS
from project.workflows.nodes import NodeCall

PATH = "/batches"
ONE = PATH + "/{id}"
SMALL_BATCH = 20

ADD_HEADERS = {KEY_HEADER: "The same jobs under the same key are added once."}

type Jobs = Annotated[list[dict[str, Any]], msgspec.Meta(max_length=MAX_JOBS_PER_CALL)]

routes = Router()


class BatchOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
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

    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=MAX_NAME_CHARACTERS, extra_json_schema={"format": "line"}
        ),
    ]
    jobs: Jobs = []
    closed: bool = False
    on_success: dict[str, Any] | None = None
    on_failure: dict[str, Any] | None = None
    on_complete: dict[str, Any] | None = None
    deadline: Annotated[float, msgspec.Meta(gt=0, le=MAX_DEADLINE_SECONDS)] | None = None
    callback_url: Url | None = None


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
    given = {name: getattr(body, name) for name in workflows.HOOKS}
    hooks = {
        name: build_call(order, name, name_job(), request)
        for name, order in given.items()
        if order is not None
    }
    await require_quota(request, max(len(calls), 1))
    book = app.workflows.of(request.tenant)
    made = await asyncio.to_thread(
        begin_batch,
        book,
        body.name,
        hooks,
        deadline=body.deadline,
        callback_url=body.callback_url,
        order=said,
    )
    if made.how == "replayed":
        require_same_order(made.order, said)
    page = await fetch_page(request, made.id, WorkflowQuery(limit=0))
    if page.workflow.is_open and (calls or body.closed):
        await asyncio.to_thread(add_jobs, book, made.id, calls, closes=body.closed)
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
    book = app.workflows.of(request.tenant)
    try:
        await asyncio.to_thread(add_jobs, book, page.workflow.id, calls, closes=body.closed)
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


async def check_jobs(
    orders: list[dict[str, Any]], request: Request, said: IdempotentOrder | None
) -> list[NodeCall]:
    """The jobs of a batch as calls. Raises ``Problem`` or ``InvalidField``."""
    is_large = len(orders) > SMALL_BATCH
    return await run_apart(build_calls, orders, request, said, is_large=is_large)


def build_calls(
    orders: list[dict[str, Any]], request: Request, said: IdempotentOrder | None
) -> list[NodeCall]:
    """The calls of orders; under an idempotency key, the same order gives the same names.

    Raises ``Problem`` or ``InvalidField``.
    """
    seed = said.key + said.text if said else ""
    return [
        build_call(order, f"jobs[{place}]", name_job(seed, place), request)
        for place, order in enumerate(orders)
    ]


def build_call(order: dict[str, Any], field: str, name: str, request: Request) -> NodeCall:
    """The call of an order with its kind. Raises ``Problem`` or ``InvalidField``."""
    said = {name: value for name, value in order.items() if name != "kind"}
    try:
        kind = kind_of(order)
        require_scope(kind, request)
        require_small_order(request, said)
        keeps_decimals = getattr(kind.body, "keeps_decimals", False)
        parsed = convert_order(said, kind.body, keeps_decimals=keeps_decimals)
        options = {**kind.build_options(parsed), **parsed.options()}
    except InvalidField as problem:
        raise InvalidField(f"{field}.{problem.field}", problem.problem) from None
    except Problem as problem:
        raise Problem(problem.status, f"{field}: {problem.detail}", errors=problem.errors) from None
    if parsed.unique is not None:
        raise InvalidField(f"{field}.unique", "is not for a job of a batch")
    kwargs = options.pop("kwargs")
    return NodeCall(name, kind.task, kwargs, options, on_failure="skip")


async def answer_batch(request: Request, batch_id: str, *, is_replayed: bool = False) -> Answer:
    """202 with the batch."""
    page = await fetch_page(request, batch_id, WorkflowQuery(limit=0))
    headers = {"Location": f"{PATH}/{batch_id}"}
    if is_replayed:
        headers[REPLAYED_HEADER] = "true"
    return Answer(show(page.workflow, request), 202, headers)

"""Jobs of every kind: list them, look at one, stop it, run it again."""

import asyncio
from functools import partial
from typing import Annotated, Any

import msgspec

from api.http.parsing import convert_part
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs import records
from api.jobs.filters import TaskFilter
from api.jobs.kinds import SHOW_ROUTE
from api.jobs.orders import KEY_HEADER, JobOrder, answer_order, build_rerun_id
from api.routes.bulk import KINDS
from project.celery import app
from project.errors import InvalidField
from project.records.record import TaskRecord
from project.store.commands import attempts, queries
from project.store.commands.attempts import CancelResult

PATH = "/tasks"
MAX_ATTEMPTS = 20
TASK_PATH = PATH + "/{id}"

routes = Router()


class TaskQuery(TaskFilter, frozen=True):
    """What the list of all jobs can be asked.

    ``error`` is looked for in 1,000 records a request: a page may be short, or empty, before
    ``next_cursor`` is null.
    """

    limit: records.Limit = 50
    cursor: records.Cursor = ""


class RetryOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be different this time.

    ``payload``: an order as the kind's own POST takes it, in place of the first one.
    ``max_retries``: the most attempts from now on; without it as many as the payload says, or
    the kind gets.
    """

    payload: dict[str, Any] | None = None
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] | None = None


class Payload(msgspec.Struct, frozen=True):
    """What a job was ordered with, as its function gets it.

    ``hidden``: not said, as jobs of its kind may carry secrets, or nobody here knows the kind.
    """

    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    hidden: bool = False


class FoundTasks(msgspec.Struct, frozen=True):
    """A page of records, newest first.

    ``total`` is how many match on all pages, null when ``error`` was asked for, or ``tag`` with a
    tenant's key, as records have to be looked at for that; ``looked_at`` is how many were for
    this page. ``next_cursor`` asks for the next page, null on the last.
    """

    tasks: list[TaskRecord]
    total: int | None
    next_cursor: str | None
    looked_at: int


@routes.get(
    PATH,
    query=TaskQuery,
    answers={200: FoundTasks},
    answer_headers={200: {"Link": "The next page (rel=next)."}},
    summary="List jobs of all kinds, newest first",
    tags=["tasks"],
)
async def list_tasks(request: Request, query: TaskQuery) -> Answer:
    """Answer a page of records; its cost does not depend on how many there are."""
    found = await fetch_page(query, request)
    return Answer(found, headers=records.build_next_page_header(PATH, query, found.next_cursor))


async def fetch_page(query: TaskQuery, request: Request) -> FoundTasks:
    """The page of the caller's records that a query asks for."""
    question = records.restrict_to_tenant(query.to_question(), request)
    page = await records.fetch_page(question, query.limit, query.cursor)
    return FoundTasks(page.records, page.total, records.cursor_of(page), page.looked_at)


routes.get(
    TASK_PATH,
    **SHOW_ROUTE,
    operation="show_task",
    summary="Show the record of a job of any kind",
    tags=["tasks"],
)(records.show_job)


@routes.get(
    TASK_PATH + "/payload",
    answers={200: Payload},
    errors=(404, 503),
    summary="Show what a job was ordered with",
    tags=["tasks"],
)
async def show_payload(request: Request) -> Answer:
    """Answer its arguments, unless its kind hides them."""
    record = await fetch_requested_record(request)
    task = app.tasks.get(record.kind)
    if task is None or task.hides_arguments:
        return Answer(Payload(hidden=True))
    args, kwargs = await app.async_store.run(queries.read_payload(record.id))
    return Answer(Payload(args, kwargs))


@routes.post(
    TASK_PATH + "/cancel",
    scope="control",
    answers={200: TaskRecord, 202: TaskRecord},
    errors=(404, 409, 503),
    answer_headers={202: {"Retry-After": "Seconds until to ask."}},
    summary="Stop a job",
    description="At once (200) while it waits; within two seconds (202) when it runs.",
    tags=["tasks"],
)
async def cancel_task(request: Request) -> Answer:
    """Ask for it; what is final stays as it is."""
    if request.tenant:
        await fetch_requested_record(request)  # or it is not the tenant's to stop
    said = await app.async_store.run(attempts.cancel(request.params["id"]))
    record = await fetch_requested_record(request)
    if said is CancelResult.FINAL:
        raise Problem(
            409,
            f"The job was final already, it is {record.status}",
            members=build_problem_members(record),
        )
    return await records.answer_record(
        record, request, 200 if said is CancelResult.CANCELLED else 202
    )


@routes.delete(
    TASK_PATH,
    scope="control",
    answers={200: TaskRecord, 202: TaskRecord},
    errors=(404, 409, 503),
    answer_headers={202: {"Retry-After": "Seconds until to ask."}},
    summary="Stop a job, as POST /tasks/{id}/cancel does",
    tags=["tasks"],
)
async def delete_task(request: Request) -> Answer:
    """Stop it; its record is kept as long as any other."""
    return await cancel_task(request)


@routes.post(
    TASK_PATH + "/retry",
    body=RetryOrder,
    needs_body=False,
    scope="control",
    answers={202: TaskRecord},
    errors=(404, 409, 503),
    request_headers={KEY_HEADER: "The same wish under the same key happens once."},
    answer_headers={202: {"Location": "The record.", "Retry-After": "Seconds until to ask."}},
    summary="Run a job that failed or was cancelled again",
    description="It keeps its id, queue and tags and counts its attempts on.",
    tags=["tasks"],
)
async def retry_task(request: Request, body: RetryOrder) -> Answer:
    """Queue it again."""
    rerun_id = build_rerun_id(request)
    record = await fetch_requested_record(request)
    if record.kind not in app.tasks:
        raise Problem(409, f"No job of the kind {record.kind!r} is known here")
    again = partial(
        app.AsyncResult(record.id).rerun, rerun_id=rerun_id, **build_rerun_options(body, record)
    )
    if not await asyncio.to_thread(again):
        detail = f"Only a failed or cancelled job can run again; this one is {record.status}"
        raise Problem(409, detail, members=build_problem_members(record))
    return await answer_order(await fetch_requested_record(request), PATH, request)


async def fetch_requested_record(request: Request) -> TaskRecord:
    """The record of the job that the path names. Raises ``Problem`` 404."""
    return await records.fetch_record(request.params["id"], request)


def build_rerun_options(body: RetryOrder, record: TaskRecord) -> dict[str, Any]:
    """What a retry is to do differently, for ``again``. Raises ``Problem`` or ``InvalidField``."""
    if body.payload is None:
        return {"max_retries": body.max_retries}
    kind = KINDS.get(record.kind)
    if kind is None:
        raise InvalidField("payload", f"{record.kind!r} is not ordered over HTTP; leave it out")
    inside = msgspec.defstruct("Inside", [("payload", kind.body)], frozen=True)
    order = convert_part({"payload": body.payload}, inside).payload
    try:
        asked = kind.build_options(order) | require_unchanged(order, record).options()
    except InvalidField as wrong:
        raise InvalidField(f"payload.{wrong.field}", wrong.problem) from None
    return asked if body.max_retries is None else asked | {"max_retries": body.max_retries}


def require_unchanged(order: JobOrder, record: TaskRecord) -> JobOrder:
    """The order, without what a job keeps. Raises ``InvalidField`` when that is another."""
    for name in ("unique", "callback_url"):
        if getattr(order, name) is not None:
            raise InvalidField(name, "stays what it was; leave it out")
    if order.tags and order.tags != record.tags:
        raise InvalidField("tags", f"stay what they were, {record.tags}; leave them out")
    return msgspec.structs.replace(order, tags=[])


def build_problem_members(record: TaskRecord) -> dict[str, Any]:
    """What a refusal says about the job."""
    return {"task": msgspec.to_builtins(record)}

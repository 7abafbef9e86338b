"""Routes of jobs of every kind: list, show, cancel and rerun."""

import asyncio
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from api.http.parsing import convert_order
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs import records, waiting
from api.jobs.filters import TaskFilter
from api.jobs.kinds import ORDERED_KINDS, SHOW_ROUTE
from api.jobs.orders import KEY_HEADER, JobOrder, answer_order, build_rerun_id
from project.celery import app
from project.errors import InvalidField, RerunRefused
from project.records.record import TaskRecord
from project.store.commands import attempts, queries
from project.store.commands.attempts import CancelResult
from project.store.commands.queries import RecordFilter

PATH = "/tasks"
MAX_ATTEMPTS = 20
TASK_PATH = PATH + "/{id}"

routes = Router()


class TaskQuery(TaskFilter, frozen=True):
    """The filter and the page of the list of all jobs.

    ``order``: ``newest`` (the default) or ``oldest`` first. ``text``: a part of its id, of a tag,
    its error, its result or, if that may be shown, its payload. A search for ``text``, ``error`` or
    ``scheduled`` ends after a quarter of a second: a page may be short or empty although
    ``next_cursor`` is not null.
    """

    limit: records.Limit = 50
    cursor: records.Cursor = ""
    order: Literal["newest", "oldest"] | None = None
    text: Annotated[str, msgspec.Meta(max_length=200)] = ""

    def to_question(self) -> RecordFilter:
        """The same filter for the store, with the text."""
        question = super().to_question()
        return question._replace(text=self.text, shown_kinds=list_shown_kinds(self.text))


class RetryOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Changes for the new run.

    ``payload``: a new order, as the kind's own POST takes it.
    ``max_retries``: the most attempts from now on; the default is that of the payload, or that of
    the kind, or what is left of the order if that is more.
    """

    example: ClassVar[dict[str, Any]] = {"max_retries": 5}

    keeps_decimals: ClassVar[bool] = True
    """As in the kind's own order; those of other kinds are converted."""

    payload: dict[str, Any] | None = None
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] | None = None


class Arguments(msgspec.Struct, frozen=True):
    """The arguments of a call."""

    args: list[Any] = []
    kwargs: dict[str, Any] = {}


class Payload(msgspec.Struct, frozen=True):
    """The arguments that the job's function gets.

    ``hidden``: they are not shown, because jobs of this kind may have secrets, or because the API
    does not know the kind. ``before``: those of the attempts before the last retry that changed
    them; left out when none did.
    """

    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    hidden: bool = False
    before: Arguments | msgspec.UnsetType = msgspec.UNSET


class FoundTasks(msgspec.Struct, frozen=True):
    """A page of records, newest first unless ``order`` says otherwise.

    ``total`` is the number of matches on all pages. It is null for a search for ``text``, ``error``
    or ``scheduled``, and for ``tag`` with a tenant's key: each record must be read for that.
    ``looked_at`` is the number of records read for this page. ``next_cursor`` is null on the last
    page.
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
    """Answer a page of records; the cost does not depend on the number of records."""
    found = await fetch_page(query, request)
    return Answer(found, headers=records.build_next_page_header(PATH, query, found.next_cursor))


def list_shown_kinds(text: str) -> list[str]:
    """The kinds in whose payload a text may be searched, when there is a text."""
    return [name for name, task in app.tasks.items() if text and not task.hides_arguments]


async def fetch_page(query: TaskQuery, request: Request) -> FoundTasks:
    """Fetch a page of the caller's records."""
    question = records.restrict_to_tenant(query.to_question(), request)
    is_ascending = query.order == "oldest"
    page = await records.fetch_page(question, query.limit, query.cursor, is_ascending=is_ascending)
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
    summary="Show the arguments of a job",
    tags=["tasks"],
)
async def show_payload(request: Request) -> Answer:
    """Answer the arguments, unless the kind hides them."""
    record = await fetch_requested_record(request)
    task = app.tasks.get(record.kind)
    if task is None or task.hides_arguments:
        return Answer(Payload(hidden=True))
    (args, kwargs), before = await app.async_store.run(queries.read_payloads(record.id))
    return Answer(Payload(args, kwargs, before=Arguments(*before) if before else msgspec.UNSET))


@routes.post(
    TASK_PATH + "/cancel",
    scope="control",
    answers={200: TaskRecord, 202: TaskRecord},
    errors=(404, 409, 503),
    answer_headers={202: {"Retry-After": "Seconds to wait before asking."}},
    summary="Stop a job",
    description="A waiting job stops at once (200), a running one within two seconds (202).",
    tags=["tasks"],
)
async def cancel_task(request: Request) -> Answer:
    """Cancel the job. Raises ``Problem`` 409 when it has ended."""
    if request.tenant:
        await fetch_requested_record(request)  # 404 for the job of another tenant
    result = await app.async_store.run(attempts.cancel(request.params["id"]))
    record = await fetch_requested_record(request)
    if result is CancelResult.FINAL:
        raise Problem(
            409,
            f"The job has already ended: its status is {record.status}",
            members=build_problem_members(record),
        )
    has_ended = result is CancelResult.CANCELLED and record.is_final  # nobody has rerun it since
    return await records.answer_record(record, request, 200 if has_ended else 202)


@routes.delete(
    TASK_PATH,
    scope="control",
    answers={200: TaskRecord, 202: TaskRecord},
    errors=(404, 409, 503),
    answer_headers={202: {"Retry-After": "Seconds to wait before asking."}},
    summary="Stop a job, as POST /tasks/{id}/cancel does",
    tags=["tasks"],
)
async def delete_task(request: Request) -> Answer:
    """Cancel the job; its record stays."""
    return await cancel_task(request)


@routes.post(
    TASK_PATH + "/retry",
    body=RetryOrder,
    needs_body=False,
    scope="control",
    answers={200: TaskRecord, 202: TaskRecord},
    errors=(404, 409, 503),
    request_headers={KEY_HEADER: "Requests with the same key rerun the job once."},
    answer_headers={
        200: {"Location": "The record."} | waiting.ANSWER_HEADERS,
        202: {"Location": "The record.", "Retry-After": "Seconds to wait before asking."},
    },
    summary="Rerun a failed or cancelled job",
    description="It keeps its id, queue and tags, and continues to count its attempts.",
    tags=["tasks"],
)
async def retry_task(request: Request, body: RetryOrder) -> Answer:
    """Queue the job again. Raises ``Problem`` 409 unless it failed or was cancelled."""
    rerun_id = build_rerun_id(request)
    record = await fetch_requested_record(request)
    if record.kind not in app.tasks:
        raise Problem(409, f"The API does not know the kind {record.kind!r}")
    again = partial(
        app.AsyncResult(record.id).rerun, rerun_id=rerun_id, **build_rerun_options(body, record)
    )
    try:
        is_queued = await asyncio.to_thread(again)
    except RerunRefused as problem:
        raise Problem(409, str(problem), members=build_problem_members(record)) from problem
    if not is_queued:
        detail = f"Only a failed or cancelled job can run again; this one is {record.status}"
        raise Problem(409, detail, members=build_problem_members(record))
    return await answer_order(await fetch_requested_record(request), PATH, request)


async def fetch_requested_record(request: Request) -> TaskRecord:
    """Fetch the record that the path names. Raises ``Problem`` 404."""
    return await records.fetch_record(request.params["id"], request)


def build_rerun_options(body: RetryOrder, record: TaskRecord) -> dict[str, Any]:
    """Build the arguments of ``rerun``. Raises ``Problem`` or ``InvalidField``."""
    if body.payload is None:
        return {"max_retries": body.max_retries}
    kind = ORDERED_KINDS.get(record.kind)
    if kind is None:
        raise InvalidField(
            "payload",
            f"cannot be changed for {record.kind!r}, which is not ordered over HTTP; leave it out",
        )
    inside = msgspec.defstruct("Inside", [("payload", kind.body)], frozen=True)
    keeps_decimals = getattr(kind.body, "keeps_decimals", False)
    parsed = convert_order({"payload": body.payload}, inside, keeps_decimals=keeps_decimals)
    order = parsed.payload
    try:
        asked = kind.build_options(order) | require_unchanged(order, record).options()
    except InvalidField as wrong:
        raise InvalidField(f"payload.{wrong.field}", wrong.problem) from None
    return asked if body.max_retries is None else asked | {"max_retries": body.max_retries}


def require_unchanged(order: JobOrder, record: TaskRecord) -> JobOrder:
    """Return the order without the fields a job keeps. Raises ``InvalidField`` if they differ."""
    for name in ("unique", "callback_url"):
        if getattr(order, name) is not None:
            raise InvalidField(name, "cannot be changed by a rerun; leave it out")
    if order.tags and order.tags != record.tags:
        raise InvalidField(
            "tags", f"cannot be changed by a rerun, they are {record.tags}; leave them out"
        )
    return msgspec.structs.replace(order, tags=[])


def build_problem_members(record: TaskRecord) -> dict[str, Any]:
    """Build the ``task`` member of a problem document: the record."""
    return {"task": msgspec.to_builtins(record)}

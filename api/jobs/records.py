"""What the routes of every kind of job share: the record as an answer, lists in pages."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypedDict
from urllib.parse import urlencode

import msgspec
from msgspec import structs

from api.http.problems import Problem
from api.http.routing import Answer, Request
from api.jobs import orders, tenants, waiting
from api.jobs.orders import JobOrder
from project.celery import app
from project.errors import InvalidField
from project.job.task import Job
from project.records.record import RecordPage, ShownTask, TaskRecord, TaskStatus
from project.store.commands import queries
from project.store.commands.message import Message
from project.store.commands.queries import RecordFilter

POLL_SECONDS = 3
"""How often a client should ask about a job that is not final."""

MAX_RECORDS_PER_PAGE = 200


type Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_RECORDS_PER_PAGE)]
type Cursor = Annotated[str, msgspec.Meta(extra_json_schema={"format": "cursor"})]


class ListQuery(msgspec.Struct, frozen=True):
    """What a list can be asked: one status, so many records, from where on."""

    status: TaskStatus | None = None
    limit: Limit = 50
    cursor: Cursor = ""


class TaskList(msgspec.Struct, frozen=True):
    """A page of records, newest first.

    ``total`` is how many match on all pages; ``next_cursor`` asks for the next
    page, null on the last.
    """

    tasks: list[TaskRecord]
    total: int
    next_cursor: str | None


class JobKind(NamedTuple):
    """A kind of job as it is ordered.

    ``path``: where its records are; ``body``: what an order says; ``call``: what
    such an order comes to as the options of ``apply_async``, everything checked.
    """

    job: Job
    path: str
    body: type[JobOrder]
    call: Callable[[Any], dict[str, Any]]


class SharedRouteOptions(TypedDict):
    """What routes of one sort have in common in the description."""

    answers: Mapping[int, Any]
    errors: Sequence[int]
    request_headers: Mapping[str, str]
    answer_headers: Mapping[int, Mapping[str, str]]


ORDER_ROUTE: SharedRouteOptions = {
    "answers": {200: TaskRecord, 202: TaskRecord},
    "errors": (409, 503),
    "request_headers": orders.REQUEST_HEADERS | waiting.REQUEST_HEADERS,
    "answer_headers": {
        202: orders.ANSWER_HEADERS | waiting.ANSWER_HEADERS,
        200: {"Location": "The record of the job that has the unique key."},
    },
}
"""What every route that takes an order has."""

SHOW_ROUTE: SharedRouteOptions = {
    "answers": {200: ShownTask},
    "errors": (404, 503),
    "request_headers": waiting.REQUEST_HEADERS,
    "answer_headers": {
        200: {"Retry-After": "Seconds until to ask again; not when it is final."}
        | waiting.ANSWER_HEADERS
    },
}
"""What every route that shows a record has."""


async def accept(kind: JobKind, order: JobOrder, request: Request) -> Answer:
    """Dispatch a job, once: 202, its record, and where it can be watched."""
    said = orders.read_idempotency(request, order, kind.job.name)
    unique = order.unique_key(request.tenant)
    message = build_message(kind, order, request)
    if not said and not unique:
        return await answer_order(await app.aenqueue(message), kind.path, request)
    once = await app.aenqueue_once(message, said=said, unique=unique)
    if once.record is None:
        return await answer_duplicate(once.holder, order, kind.path)
    if said and once.how == "replayed":
        orders.require_same_order(once, said)
    answer = await answer_order(once.record, kind.path, request)
    if once.how == "replayed":
        answer.headers[orders.REPLAYED_HEADER] = "true"
    return answer


def build_message(kind: JobKind, order: JobOrder, request: Request) -> Message:
    """The message of a job that is ordered, for whom. Raises ``InvalidField``."""
    message = kind.job.message(**kind.call(order), **order.options())
    return message.owned_by(request.tenant) if request.tenant else message


async def answer_duplicate(holder: str, order: JobOrder, path: str) -> Answer:
    """The job that has the unique key: 200, or 409 as the order wants it."""
    record: TaskRecord | None = await app.async_store.run(queries.read_record(holder))
    if record is None or (order.unique and order.unique.on_conflict == "reject"):
        raise Problem(409, "Another job has this unique key", members={"task_id": holder})
    return Answer(record, 200, {"Location": f"{path}/{holder}"})


async def answer_order(record: TaskRecord, path: str, request: Request) -> Answer:
    """202 for a job that was queued; as it is after the wait that the client prefers."""
    record, waited = await waiting.wait_until_final(record, request)
    headers = {"Location": f"{path}/{record.id}", "Retry-After": str(POLL_SECONDS), **waited}
    return Answer(record, 202, headers)


async def show(kind: JobKind, request: Request) -> Answer:
    """The record of one job of this kind."""
    job_id, name = request.params["id"], kind.job.name
    record = tenants.filter_visible(await fetch_shown_record(job_id), request)
    if record is None or record.kind != name:
        raise Problem(404, f"There is no {name} with the id {job_id!r}")
    return await answer_shown_record(record, request)


async def fetch_shown_record(job_id: str) -> TaskRecord | None:
    """The record, with what is to be expected while it is pending."""
    record: TaskRecord | None = await app.async_store.run(queries.read_with_estimate(job_id))
    return record


async def answer_shown_record(record: TaskRecord, request: Request) -> Answer:
    """A record that was looked at; after a wait it is looked at again if it is still pending."""
    answer = await answer_record(record, request)
    if answer.value is not record and answer.value.status is TaskStatus.PENDING:
        return structs.replace(answer, value=await fetch_shown_record(record.id) or answer.value)
    return answer


async def answer_record(record: TaskRecord, request: Request, status: int = 200) -> Answer:
    """A record after the wait that the client prefers, and when to ask for it again."""
    record, waited = await waiting.wait_until_final(record, request)
    again = {} if record.is_final else {"Retry-After": str(POLL_SECONDS)}
    return Answer(record, status, again | waited)


async def show_list(kind: JobKind, query: ListQuery, request: Request) -> Answer:
    """A page of the caller's jobs of this kind."""
    question = RecordFilter(kinds=[kind.job.name], statuses=[query.status] if query.status else [])
    page = await fetch_page(
        tenants.restrict_to_tenant(question, request), query.limit, query.cursor
    )
    listed = TaskList(page.records, page.total or 0, cursor_of(page))
    return Answer(listed, headers=build_next_page_header(kind.path, query, listed.next_cursor))


async def fetch_page(question: RecordFilter, limit: int, cursor: str) -> RecordPage:
    """The page of records that a query asks for."""
    move = queries.list_page(question, limit=limit, cursor=parse_cursor(cursor))
    page: RecordPage = await app.async_store.run(move)
    return page


def cursor_of(page: RecordPage) -> str | None:
    """The cursor of the next page, None on the last."""
    return format_cursor(page.next_cursor) if page.next_cursor else None


def build_next_page_header(path: str, query: msgspec.Struct, cursor: str | None) -> dict[str, str]:
    """The header that leads to the next page."""
    if cursor is None:
        return {}
    said = msgspec.structs.asdict(query) | {"cursor": cursor}
    there = f"{path}?{urlencode({name: value for name, value in said.items() if value})}"
    return {"Link": f'<{there}>; rel="next"'}


def format_cursor(place: tuple[float, str]) -> str:
    """A place in a list as one opaque word."""
    return base64.urlsafe_b64encode(f"{place[0]!r} {place[1]}".encode()).decode().rstrip("=")


def parse_cursor(text: str) -> tuple[float, str] | None:
    """The place behind a cursor; None for the start of the list."""
    if not text:
        return None
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        created_at, _, job_id = base64.urlsafe_b64decode(padded).decode().partition(" ")
        return float(created_at), job_id
    except (binascii.Error, ValueError):
        raise InvalidField("cursor", "is not one that a list gave; leave it out") from None

"""Records as answers: one of them, or a page of a list, and only those that the caller may see.

``show_job`` is the handler of ``GET /tasks/{id}`` and of ``GET /reports/{id}`` and the like.
"""

import base64
import binascii
import math
import time
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import structs

from api.http.problems import Problem
from api.http.routing import Answer, Request
from api.jobs import waiting
from api.jobs.orders import POLL_SECONDS
from project.celery import app
from project.errors import InvalidField
from project.records.record import RecordPage, TaskRecord, TaskStatus
from project.store.commands import queries
from project.store.commands.queries import RecordFilter

MAX_RECORDS_PER_PAGE = 200

SCAN_SECONDS = 0.25
"""So long one request reads records that do not match; Redis serves others in between."""


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


async def show_job(request: Request, kind: str = "") -> Answer:
    """The record of the job that the path names; of a pending job with its estimate.

    Raises ``Problem`` 404 when the caller has no such job; ``kind`` also limits the kind, "" does
    not.
    """
    job_id = request.params["id"]
    fetched = await app.AsyncResult(job_id).afetch(estimate=True)
    record = require_visible(fetched, job_id, request, kind)
    answer = await answer_record(record, request)
    if answer.value is not record and answer.value.status is TaskStatus.PENDING:
        shown = await app.AsyncResult(job_id).afetch(estimate=True)  # it waited: estimate again
        return structs.replace(answer, value=shown or answer.value)
    return answer


async def answer_record(record: TaskRecord, request: Request, status: int = 200) -> Answer:
    """A record after the wait that the client prefers, with ``Retry-After`` unless it is final."""
    waited: dict[str, str] = {}
    if request.get_header(waiting.PREFER_HEADER):
        record, waited = await waiting.wait_until_final(record, request)
    again = {} if record.is_final else {"Retry-After": str(POLL_SECONDS)}
    return Answer(record, status, again | waited)


async def fetch_record(job_id: str, request: Request, kind: str = "") -> TaskRecord:
    """The record of a job that the caller may see. Raises ``Problem`` 404, as ``show_job``."""
    record = await app.AsyncResult(job_id).afetch()
    return require_visible(record, job_id, request, kind)


def require_visible(
    record: TaskRecord | None, job_id: str, request: Request, kind: str = ""
) -> TaskRecord:
    """The record. Raises ``Problem`` 404 when there is none, or it is of another tenant or kind.

    The answer is the same in all cases, so a tenant learns nothing about others.
    """
    if record is None or not is_visible(record, request) or (kind and record.kind != kind):
        raise Problem(404, f"There is no {kind or 'job'} with the id {job_id!r}")
    return record


def is_visible(record: TaskRecord, request: Request) -> bool:
    """Whether the caller may see a job: a key of a tenant sees the jobs of that tenant only."""
    return not request.tenant or record.tenant == request.tenant


def restrict_to_tenant(question: RecordFilter, request: Request) -> RecordFilter:
    """The filter, restricted to the jobs that the caller may see."""
    return question._replace(tenant=request.tenant) if request.tenant else question


async def list_jobs(kind: str, path: str, request: Request, query: ListQuery) -> Answer:
    """A page of the caller's jobs of one kind, newest first; ``path`` is that of the list."""
    question = RecordFilter(kinds=[kind], statuses=[query.status] if query.status else [])
    page = await fetch_page(restrict_to_tenant(question, request), query.limit, query.cursor)
    listed = TaskList(page.records, page.total or 0, cursor_of(page))
    return Answer(listed, headers=build_next_page_header(path, query, listed.next_cursor))


async def fetch_page(
    question: RecordFilter, limit: int, cursor: str, *, is_ascending: bool = False
) -> RecordPage:
    """Read a page of records. Raises ``InvalidField`` for a wrong cursor.

    A search reads on until the page is full, or ``SCAN_SECONDS`` are over.
    """

    async def read(limit: int, place: tuple[float, str] | None) -> RecordPage:
        move = queries.list_page(question, limit=limit, cursor=place, is_ascending=is_ascending)
        page: RecordPage = await app.async_store.run(move)
        return page

    end = time.monotonic() + SCAN_SECONDS
    page = await read(limit, parse_cursor(cursor))
    while question.is_scan and page.next_cursor and time.monotonic() < end:
        left = limit - len(page.records)
        if left <= 0:
            break
        page = page.join(await read(left, page.next_cursor))
    return page


def cursor_of(page: RecordPage) -> str | None:
    """The cursor of the page after this one, None after the last page."""
    return format_cursor(page.next_cursor) if page.next_cursor else None


def build_next_page_header(path: str, query: msgspec.Struct, cursor: str | None) -> dict[str, str]:
    """The ``Link`` header to the next page; no header when ``cursor`` is None."""
    if cursor is None:
        return {}
    parameters = msgspec.to_builtins(query) | {"cursor": cursor}
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    texts = {
        name: str(value).lower() if value in (True, False) else value
        for name, value in given.items()
    }
    return {"Link": f'<{path}?{urlencode(texts)}>; rel="next"'}


def format_cursor(position: tuple[float, str]) -> str:
    """Encode a position in a list, creation time and id, as an opaque text."""
    return base64.urlsafe_b64encode(f"{position[0]!r} {position[1]}".encode()).decode().rstrip("=")


def parse_cursor(text: str) -> tuple[float, str] | None:
    """Decode a cursor; None for "", the start of the list. Raises ``InvalidField``."""
    if not text:
        return None
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        created_at, _, job_id = base64.urlsafe_b64decode(padded).decode().partition(" ")
        return require_finite(float(created_at)), job_id
    except (binascii.Error, ValueError):
        raise InvalidField("cursor", "is not one that a list gave; leave it out") from None


def require_finite(number: float) -> float:
    """The number. Raises ``ValueError`` for one that no list has, such as ``nan``."""
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number

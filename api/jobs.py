"""What the routes of every kind of job share: the record as an answer, lists in pages."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from api.edge import Answer, Request
from api.problems import Problem
from project import moves
from project.celery import app
from project.errors import InvalidField
from project.job import Job
from project.records import Page, TaskRecord, TaskStatus

POLL_SECONDS = 3
"""How often a client should ask about a job that is not final."""

MOST_ON_A_PAGE = 200


class ListQuery(msgspec.Struct, frozen=True):
    """What a list can be asked: one status, so many records, from where on."""

    status: TaskStatus | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_ON_A_PAGE)] = 50
    cursor: str = ""


class TaskList(msgspec.Struct, frozen=True):
    """A page of records, newest first.

    ``total`` is how many match on all pages; ``next_cursor`` asks for the next
    page, null on the last.
    """

    tasks: list[TaskRecord]
    total: int
    next_cursor: str | None


class Kind(NamedTuple):
    """A kind of job as it is ordered.

    ``path``: where its records are; ``body``: what an order says; ``call``: what
    such an order comes to as the options of ``apply_async``, everything checked.
    """

    job: Job
    path: str
    body: type[msgspec.Struct]
    call: Callable[[Any], dict[str, Any]]


async def accept(kind: Kind, order: msgspec.Struct) -> Answer:
    """Dispatch a job: 202, its record, and where it can be watched."""
    return answer_order(await kind.job.aapply_async(**kind.call(order)), kind.path)


def answer_order(record: TaskRecord, path: str) -> Answer:
    """202 for a job that was queued."""
    headers = {"Location": f"{path}/{record.id}", "Retry-After": str(POLL_SECONDS)}
    return Answer(record, 202, headers)


async def show(kind: Kind, request: Request) -> Answer:
    """The record of one job of this kind."""
    job_id, name = request.params["id"], kind.job.name
    record: TaskRecord | None = await app.async_store.run(moves.read(job_id))
    if record is None or record.kind != name:
        raise Problem(404, f"There is no {name} with the id {job_id!r}")
    return answer_record(record)


def answer_record(record: TaskRecord, status: int = 200) -> Answer:
    """A record, and when to ask for it again."""
    headers = {} if record.is_final else {"Retry-After": str(POLL_SECONDS)}
    return Answer(record, status, headers)


async def show_list(kind: Kind, query: ListQuery) -> Answer:
    """A page of the jobs of this kind."""
    return await answer_page(kind.path, query, kinds=[kind.job.name])


async def answer_page(path: str, query: ListQuery, **narrowed: Any) -> Answer:
    """A page of records; ``narrowed`` are further arguments of ``moves.page``."""
    statuses = [query.status] if query.status else []
    place = read_cursor(query.cursor)
    move = moves.page(statuses=statuses, limit=query.limit, cursor=place, **narrowed)
    page: Page = await app.async_store.run(move)
    cursor = page.next_cursor and write_cursor(page.next_cursor)
    headers = {"Link": f'<{next_path(path, query, cursor)}>; rel="next"'} if cursor else {}
    return Answer(TaskList(page.records, page.total, cursor or None), headers=headers)


def next_path(path: str, query: ListQuery, cursor: str) -> str:
    """The list's own address with the cursor moved on."""
    said = msgspec.structs.asdict(query) | {"cursor": cursor}
    return f"{path}?{urlencode({name: value for name, value in said.items() if value})}"


def write_cursor(place: tuple[float, str]) -> str:
    """A place in a list as one opaque word."""
    return base64.urlsafe_b64encode(f"{place[0]!r} {place[1]}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[float, str] | None:
    """The place behind a cursor; None for the start of the list."""
    if not text:
        return None
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        created_at, _, job_id = base64.urlsafe_b64decode(padded).decode().partition(" ")
        return float(created_at), job_id
    except (binascii.Error, ValueError):
        raise InvalidField("cursor", "is not one that a list gave; leave it out") from None

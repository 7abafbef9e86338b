"""Routes of the history: search ended jobs, sum them up, and erase some."""

import csv
import io
import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlencode

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs.records import Cursor, format_cursor, parse_cursor
from project.celery import app
from project.errors import InvalidField
from project.extras import has_extra
from project.history import erasure, search, summary
from project.history.conditions import IS_PATH, HistoryFilter
from project.history.erasure import ArchiverBusy
from project.history.reading import HistoryBusy, run_query
from project.history.search import ArchivedJob, HistoryPage
from project.history.summary import Grouping, Interval, Sum, SummaryFilter
from project.messages.order_fields import Timestamp
from project.settings.history import get_history_settings
from project.store.commands import archive
from project.store.commands.archive import ErasureAccount

PATH = "/history"
CSV = "text/csv; charset=utf-8"
MAX_JOBS_PER_PAGE = 200
MAX_DAYS = 366
MAX_MINUTES_DAYS = 2
DAY_SECONDS = 86_400
DEFAULT_DAYS = 90
RETRY_SECONDS = "5"
MAX_ACCOUNTS = 200

NAMES = r"^(payload|result)(\.[A-Za-z0-9_-]{1,100}){1,10}$"

routes = Router()
log = logging.getLogger("api")

type Values = Annotated[
    dict[str, str],
    msgspec.Meta(
        description="Parameters such as payload.order.id=17 or result.rows=3: the value at this "
        "path, as text.",
        extra_json_schema={"propertyNames": {"pattern": NAMES}},
    ),
]
type FinalStatus = Literal["success", "failed", "cancelled"]
type Text = Annotated[str, msgspec.Meta(max_length=200)]


class HistoryQuery(msgspec.Struct, frozen=True):
    """Which ended jobs are wanted. Times are seconds since 1970; ``error`` is a part of its text.

    ``text``: a part of the id, a tag, the error, the payload or the result.
    ``format``: ``csv`` and ``jsonl`` answer the same page as text; the ``Link`` header leads on.
    """

    is_open_name: ClassVar[Any] = staticmethod(IS_PATH)

    id: Text = ""
    status: FinalStatus | None = None
    kind: Text = ""
    queue: Text = ""
    tag: Text = ""
    created_after: Timestamp | None = None
    created_before: Timestamp | None = None
    finished_after: Timestamp | None = None
    finished_before: Timestamp | None = None
    error: Text = ""
    text: Text = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_JOBS_PER_PAGE)] = 50
    cursor: Cursor = ""
    format: Literal["json", "csv", "jsonl"] = "json"
    values: Values = {}


class FoundHistory(msgspec.Struct, frozen=True):
    """A page of ended jobs, the last end first; ``next_cursor`` is null on the last page."""

    jobs: list[ArchivedJob]
    next_cursor: str | None


class SummaryQuery(msgspec.Struct, frozen=True):
    """Which time, in seconds since 1970 (by default the last 90 days), and how it is divided.

    ``interval``: ``all`` answers one sum of the whole time. ``kind``, ``queue``, ``lane`` and
    ``tenant`` restrict the jobs. Minutes, queues and lanes are read from the rows, which takes
    longer than all else.
    """

    start: Timestamp | None = msgspec.field(default=None, name="from")
    end: Timestamp | None = msgspec.field(default=None, name="to")
    by: Grouping = "kind_status"
    interval: Interval = "day"
    kind: Text = ""
    queue: Text = ""
    lane: Text = ""
    tenant: Text = ""


class HistorySummary(msgspec.Struct, frozen=True):
    """The sums, the oldest first. Each end of a job counts, also one before a rerun."""

    sums: list[Sum]


class HistoryErasureQuery(msgspec.Struct, frozen=True):
    """What is erased: a job by its ``id``, or all with a value in payload or result.

    ``kind`` restricts that. ``dry_run`` only counts.
    """

    is_open_name: ClassVar[Any] = staticmethod(IS_PATH)

    id: Text = ""
    kind: Text = ""
    dry_run: bool = False
    values: Values = {}


class HistoryErasure(msgspec.Struct, frozen=True):
    """How many runs were erased, or would be.

    ``complete``: all files were looked at; if not, send the request again. ``unarchived``: so many
    ended jobs are not in the history yet, and were not looked at.
    """

    jobs: int
    complete: bool
    dry_run: bool
    unarchived: int


class ErasureAccounts(msgspec.Struct, frozen=True):
    """The last 200 erasures, newest first."""

    erasures: list[ErasureAccount]


@routes.get(
    PATH,
    query=HistoryQuery,
    answers={200: FoundHistory},
    errors=(404, 503),
    also_produces="text/csv",
    answer_headers={200: {"Link": "The next page (rel=next)."}},
    summary="Search the history of ended jobs",
    description="A rerun replaces the earlier runs of its job. Needs CONTINUO_HISTORY.",
    tags=["history"],
)
async def search_history(request: Request, query: HistoryQuery) -> Answer:
    """Answer a page of the caller's jobs."""
    require_history()
    place = parse_place(query.cursor)
    wanted = build_filter(query, request)
    page = await read(partial(search.search, wanted, query.limit, place))
    cursor = format_place(page)
    headers = build_link(query, cursor)
    if query.format == "csv":
        return Answer(format_csv(page.jobs), headers=headers, content_type=CSV)
    if query.format == "jsonl":
        text = b"".join(msgspec.json.encode(job) + b"\n" for job in page.jobs).decode()
        return Answer(text, headers=headers, content_type="application/jsonl")
    return Answer(FoundHistory(page.jobs, cursor), headers=headers)


@routes.get(
    PATH + "/summary",
    query=SummaryQuery,
    answers={200: HistorySummary},
    errors=(404, 503),
    summary="Sum up ended jobs by minute, hour or day: how many, how long they waited and ran",
    tags=["history"],
)
async def sum_up_history(request: Request, query: SummaryQuery) -> Answer:
    """Answer the sums of the caller's jobs."""
    require_history()
    end = time.time() if query.end is None else query.end
    start = end - DEFAULT_DAYS * DAY_SECONDS if query.start is None else query.start
    if not start < end <= start + MAX_DAYS * DAY_SECONDS:
        raise InvalidField("from", f"must be before to, by at most {MAX_DAYS} days")
    if query.interval == "minute" and end - start > MAX_MINUTES_DAYS * DAY_SECONDS:
        raise InvalidField("interval", f"minute is for at most {MAX_MINUTES_DAYS} days")
    if request.tenant and query.tenant not in {"", request.tenant}:
        raise InvalidField("tenant", f"must be that of the API key, {request.tenant}")
    wanted = SummaryFilter(
        start,
        end,
        query.by,
        query.interval,
        tenant=request.tenant or query.tenant or None,
        kind=query.kind or None,
        queue=query.queue or None,
        lane=query.lane or None,
    )
    return Answer(HistorySummary(await read(partial(summary.sum_up, wanted))))


@routes.delete(
    PATH,
    query=HistoryErasureQuery,
    scope="admin",
    cross_tenant=True,
    answers={200: HistoryErasure},
    errors=(404, 503),
    summary="Erase jobs from the history, such as all of one person",
    description="The account of it at /history/erasures has the names of the fields, not the "
    "values.",
    tags=["history"],
)
async def erase_history(request: Request, query: HistoryErasureQuery) -> Answer:
    """Erase for at most 20 seconds."""
    require_history()
    if not (query.id or query.values):
        raise InvalidField("id", "is missing: give it, or a value such as payload.email=...")
    wanted = HistoryFilter(job_id=query.id, kind=query.kind, values=query.values)
    call = partial(erasure.erase, app.store, wanted, request.api_key.name, dry_run=query.dry_run)
    result = await read(call)
    log.info(
        "history: %s erased %d runs (dry run: %s)", request.api_key.name, result.jobs, query.dry_run
    )
    backlog = await app.async_store.run(archive.read_backlog())
    return Answer(HistoryErasure(result.jobs, result.is_complete, query.dry_run, backlog.jobs))


@routes.get(
    PATH + "/erasures",
    scope="admin",
    cross_tenant=True,
    answers={200: ErasureAccounts},
    summary="List who erased from the history, and when",
    tags=["history"],
)
async def list_erasures(_request: Request) -> Answer:
    """Answer the newest accounts."""
    return Answer(ErasureAccounts(await app.async_store.run(archive.list_erasures(MAX_ACCOUNTS))))


def require_history() -> None:
    """Raise ``Problem`` 404 where there is no history."""
    if not get_history_settings().history:
        raise Problem(404, "There is no history: set CONTINUO_HISTORY=1 for API and workers")
    if not has_extra("reports"):
        raise Problem(404, "There is no history: it needs the extra reports")


async def read[T](call: partial[T]) -> T:
    """Run a query. Raises ``Problem`` 503 when it cannot run now."""
    try:
        return await run_query(call)
    except (HistoryBusy, ArchiverBusy) as problem:
        detail = f"{problem}; try later, or ask for fewer days"
        raise Problem(503, detail, headers={"Retry-After": RETRY_SECONDS}) from None


def build_filter(query: HistoryQuery, request: Request) -> HistoryFilter:
    """The filter, restricted to the jobs that the caller may see."""
    return HistoryFilter(
        job_id=query.id,
        statuses=(query.status,) if query.status else (),
        kind=query.kind,
        queue=query.queue,
        tag=query.tag,
        error=query.error,
        text=query.text,
        tenant=request.tenant or None,
        created_after=query.created_after,
        created_before=query.created_before,
        finished_after=query.finished_after,
        finished_before=query.finished_before,
        values=query.values,
    )


def parse_place(cursor: str) -> search.Place | None:
    """Where a page begins. Raises ``InvalidField``."""
    place = parse_cursor(cursor)
    return (int(place[0]), place[1]) if place else None


def format_place(page: HistoryPage) -> str | None:
    """The cursor of the next page; None at the end."""
    return (
        format_cursor((float(page.next_place[0]), page.next_place[1])) if page.next_place else None
    )


def build_link(query: HistoryQuery, cursor: str | None) -> dict[str, str]:
    """The ``Link`` header to the next page."""
    if cursor is None:
        return {}
    plain = msgspec.to_builtins(query)
    parameters = plain | plain.pop("values") | {"cursor": cursor}
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    return {"Link": f'<{PATH}?{urlencode(given)}>; rel="next"'}


def format_csv(jobs: Sequence[ArchivedJob]) -> str:
    """The jobs as CSV; lists and objects are JSON."""
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(ArchivedJob.__struct_fields__)
    for job in jobs:
        values = msgspec.structs.astuple(job)
        writer.writerow(
            msgspec.json.encode(value).decode() if isinstance(value, (list, dict)) else value
            for value in values
        )
    return output.getvalue()

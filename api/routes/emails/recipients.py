"""The outcome of each recipient of a blast, as JSON pages or CSV."""

import csv
import io
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec

from api.http.routing import Answer, Request, Router
from api.routes.emails import blasts
from project.celery import app
from project.errors import InvalidField
from tasks.emails.delivery import commands
from tasks.emails.delivery.ledger import fold_address, outcome_of
from tasks.emails.delivery.order import MailingOrder, RecipientRow, decode_rows

MAX_RECIPIENTS_PER_PAGE = 10_000
MAX_CHUNKS_PER_PAGE = 10
"""A page reads this many chunks: with a rare outcome it can be short or empty, but not the last."""

CURSOR_PATTERN = r"([0-9]{1,10}\.[0-9]{1,6})?"
_IS_CURSOR = re.compile(CURSOR_PATTERN).fullmatch

type OutcomeName = Literal[
    "waiting", "sent", "retry", "bounced", "rejected", "suppressed", "invalid", "unknown"
]

routes = Router()


class RecipientQuery(msgspec.Struct, frozen=True):
    """A filter by outcome, the page and the format."""

    outcome: OutcomeName | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_RECIPIENTS_PER_PAGE)] = 100
    cursor: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": f"^{CURSOR_PATTERN}$"})] = ""
    format: Literal["json", "csv"] = "json"


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A recipient and its outcome; ``problem`` says why an address is invalid."""

    address: str
    outcome: str
    problem: str = ""


class RecipientList(msgspec.Struct, frozen=True):
    """A page of recipients in their order; ``next_cursor`` is null on the last page."""

    recipients: list[Entry]
    next_cursor: str | None


class PageStart(msgspec.Struct, frozen=True):
    """The start of a page: the place of a chunk among all, and of a recipient in the chunk."""

    chunk: int = 0
    row: int = 0


@routes.get(
    blasts.BLAST_PATH + "/recipients",
    query=RecipientQuery,
    answers={200: RecipientList},
    errors=(404, 503),
    also_produces="text/csv",
    answer_headers={
        200: {
            "Link": "The next page (rel=next).",
            "Content-Disposition": "The file name of a table.",
        }
    },
    summary="List the outcome of each recipient",
    description="With format=csv as a table. A page can be short without being the last.",
    tags=["emails"],
)
async def list_recipients(request: Request, query: RecipientQuery) -> Answer:
    """Answer a page; its cost does not depend on the size of the blast."""
    record = await blasts.fetch_blast(request)
    start = parse_cursor(query.cursor)
    order = await blasts.fetch_order(record.id)
    entries, following = await fetch_page(order, query, start)
    cursor = f"{following.chunk}.{following.row}" if following else None
    return answer_page(request, query, RecipientList(entries, cursor))


async def fetch_page(
    order: MailingOrder, query: RecipientQuery, start: PageStart
) -> tuple[list[Entry], PageStart | None]:
    """The entries of a page, and the start of the next page."""
    entries: list[Entry] = []
    last = start.chunk + MAX_CHUNKS_PER_PAGE
    async for chunk, rows in fetch_chunks(order, start.chunk, last):
        first = start.row if chunk == start.chunk else 0
        for row, entry in enumerate(await fetch_entries(order.job_id, rows[first:]), first):
            if query.outcome in {None, entry.outcome}:
                if len(entries) == query.limit:
                    return entries, PageStart(chunk, row)
                entries.append(entry)
    more = last < await count_chunks(order)
    return entries, PageStart(last) if more else None


async def fetch_chunks(
    order: MailingOrder, first: int, last: int
) -> AsyncIterator[tuple[int, list[RecipientRow]]]:
    """The chunks of a blast with their places: first those of the order, then the uploaded ones."""
    own = order.list_chunks()
    for place in range(first, min(last, await count_chunks(order))):
        if place < len(own):
            yield place, order.build_rows(own[place])
        else:
            text = await app.async_store.run(
                commands.read_rows(order.job_id, str(place - len(own) + 1))
            )
            yield place, decode_rows(text) if text else []


async def count_chunks(order: MailingOrder) -> int:
    """The number of chunks of the order and of the uploads."""
    _, uploads = await app.async_store.run(commands.read_upload_state(order.job_id))
    return len(order.list_chunks()) + int(uploads)


async def fetch_entries(blast: str, rows: list[RecipientRow]) -> list[Entry]:
    """The outcomes of these recipients."""
    if not rows:
        return []
    states: list[str] = await app.async_store.run(
        commands.read_states(blast, [fold_address(row.address) for row in rows])
    )
    return [
        Entry(row.address, outcome_of(state), row.problem)
        for row, state in zip(rows, states, strict=True)
    ]


def answer_page(request: Request, query: RecipientQuery, page: RecipientList) -> Answer:
    """The page in the format of the query, with a link to the next page."""
    parameters = msgspec.structs.asdict(query) | {"cursor": page.next_cursor}
    following = urlencode({name: value for name, value in parameters.items() if value})
    headers = {"Link": f'<{request.path}?{following}>; rel="next"'} if page.next_cursor else {}
    if query.format == "json":
        return Answer(page, headers=headers)
    headers["Content-Disposition"] = 'attachment; filename="recipients.csv"'
    text = format_csv(page.recipients, with_head=not query.cursor)
    return Answer(text, headers=headers, content_type="text/csv; charset=utf-8")


def format_csv(entries: list[Entry], *, with_head: bool) -> str:
    """Entries as CSV (RFC 4180); only the first page has a header line."""
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    if with_head:
        lines.writerow(["email", "outcome", "problem"])
    lines.writerows(
        [escape_formula(entry.address), entry.outcome, entry.problem] for entry in entries
    )
    return text.getvalue()


def escape_formula(cell: Any) -> str:
    """The text, marked so that a spreadsheet does not run it as a formula."""
    return f"'{cell}" if str(cell).startswith(("=", "+", "-", "@")) else str(cell)


def parse_cursor(text: str) -> PageStart:
    """The start of the page behind a cursor, "" for the first page. Raises ``InvalidField``."""
    if not _IS_CURSOR(text):
        raise InvalidField(
            "cursor", "must be the next_cursor of a page, or left out for the first page"
        )
    chunk, _, row = (text or "0.0").partition(".")
    return PageStart(int(chunk), int(row))

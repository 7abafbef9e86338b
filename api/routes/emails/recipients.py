"""What became of each recipient of a blast, as JSON pages or CSV."""

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
"""Chunks that one page looks at: of a rare outcome it may be short, or empty, and not the last."""

CURSOR_PATTERN = r"([0-9]{1,10}\.[0-9]{1,6})?"
_IS_CURSOR = re.compile(CURSOR_PATTERN).fullmatch

type OutcomeName = Literal[
    "waiting", "sent", "retry", "bounced", "rejected", "suppressed", "invalid", "unknown"
]

routes = Router()


class RecipientQuery(msgspec.Struct, frozen=True):
    """What the list can be asked: one outcome, so many recipients, from where on, as what."""

    outcome: OutcomeName | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_RECIPIENTS_PER_PAGE)] = 100
    cursor: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": f"^{CURSOR_PATTERN}$"})] = ""
    format: Literal["json", "csv"] = "json"


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One recipient; ``problem`` says what is wrong with an invalid one."""

    address: str
    outcome: str
    problem: str = ""


class RecipientList(msgspec.Struct, frozen=True):
    """A page in the order they were given; ``next_cursor`` is null on the last."""

    recipients: list[Entry]
    next_cursor: str | None


class PageStart(msgspec.Struct, frozen=True):
    """Where a page begins: a chunk, counted over all, and a recipient in it."""

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
            "Content-Disposition": "The name to save a table under.",
        }
    },
    summary="List what became of each recipient",
    description="With format=csv the same as a table. A page may be short and not the last.",
    tags=["emails"],
)
async def list_recipients(request: Request, query: RecipientQuery) -> Answer:
    """Answer a page; its cost does not depend on how many recipients there are."""
    record = await blasts.fetch_blast(request)
    place = parse_cursor(query.cursor)
    order = await blasts.fetch_order(record.id)
    entries, following = await fetch_page(order, query, place)
    cursor = f"{following.chunk}.{following.row}" if following else None
    return answer_page(request, query, RecipientList(entries, cursor))


async def fetch_page(
    order: MailingOrder, query: RecipientQuery, place: PageStart
) -> tuple[list[Entry], PageStart | None]:
    """The entries from ``place`` on, and where the next page begins."""
    entries: list[Entry] = []
    last = place.chunk + MAX_CHUNKS_PER_PAGE
    async for chunk, rows in fetch_chunks(order, place.chunk, last):
        first = place.row if chunk == place.chunk else 0
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
    """The chunks of a blast and their places: those of the order, then those that were uploaded."""
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
    """How many chunks there are."""
    _, uploads = await app.async_store.run(commands.read_upload_state(order.job_id))
    return len(order.list_chunks()) + int(uploads)


async def fetch_entries(blast: str, rows: list[RecipientRow]) -> list[Entry]:
    """What became of these recipients."""
    if not rows:
        return []
    states: list[str] = await app.async_store.run(
        commands.read_states(blast, [fold_address(row.address) for row in rows])
    )
    return [
        Entry(row.address, outcome_of(state), row.problem)
        for row, state in zip(rows, states, strict=True)
    ]


def answer_page(request: Request, query: RecipientQuery, found: RecipientList) -> Answer:
    """The page in the format that is asked for, with the way to the next."""
    said = msgspec.structs.asdict(query) | {"cursor": found.next_cursor}
    following = urlencode({name: value for name, value in said.items() if value})
    headers = {"Link": f'<{request.path}?{following}>; rel="next"'} if found.next_cursor else {}
    if query.format == "json":
        return Answer(found, headers=headers)
    headers["Content-Disposition"] = 'attachment; filename="recipients.csv"'
    text = format_csv(found.recipients, with_head=not query.cursor)
    return Answer(text, headers=headers, content_type="text/csv; charset=utf-8")


def format_csv(entries: list[Entry], *, with_head: bool) -> str:
    """Entries as CSV (RFC 4180); only the first page has the names of the columns."""
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    if with_head:
        lines.writerow(["email", "outcome", "problem"])
    lines.writerows([escape_formula(one.address), one.outcome, one.problem] for one in entries)
    return text.getvalue()


def escape_formula(cell: Any) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if str(cell).startswith(("=", "+", "-", "@")) else str(cell)


def parse_cursor(text: str) -> PageStart:
    """The place behind a cursor; the start for none."""
    if not _IS_CURSOR(text):
        raise InvalidField("cursor", "is not one that a list gave; leave it out")
    chunk, _, row = (text or "0.0").partition(".")
    return PageStart(int(chunk), int(row))

"""Who gets no mail of any blast: those who unsubscribed, whose mailbox is gone, who complained."""

import re
from itertools import batched
from typing import Annotated, Literal

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.routes.emails.blasts import MAX_FAULTS, Refused
from project.celery import app
from project.errors import InvalidField
from tasks.emails import addresses, recipient_import
from tasks.emails.delivery import commands
from tasks.emails.delivery.ledger import fold_address
from tasks.emails.delivery.order import RECIPIENTS_PER_CHUNK, row_from_recipient

PATH = "/suppressions"
SUPPRESSION_PATH = PATH + "/{address}"

routes = Router()

CURSOR_PATTERN = "[0-9]{0,19}"
_IS_CURSOR = re.compile(CURSOR_PATTERN).fullmatch

type Reason = Literal["unsubscribed", "bounced", "complaint", "manual"]


class SuppressionOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses that are to get no mail, and why."""

    addresses: list[str]
    reason: Reason = "manual"


class ImportReport(msgspec.Struct, frozen=True):
    """What became of them: new on the list, on it before, or no addresses (the first 100)."""

    added: int
    known: int
    invalid: int
    refused: list[Refused]


class SuppressionQuery(msgspec.Struct, frozen=True):
    """What the list can be asked: about so many, from where on."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    cursor: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": f"^{CURSOR_PATTERN}$"})] = ""


class Suppressed(msgspec.Struct, frozen=True):
    """An address on the list; ``since`` in seconds since 1970."""

    address: str
    reason: str
    since: float


class SuppressionList(msgspec.Struct, frozen=True):
    """A page, in no order; ``next_cursor`` is null on the last."""

    suppressions: list[Suppressed]
    total: int
    next_cursor: str | None


@routes.get(
    PATH,
    cross_tenant=True,
    query=SuppressionQuery,
    answers={200: SuppressionList},
    summary="List the addresses that get no mail",
    description="A page has about as many as were asked for, in no order.",
    tags=["suppressions"],
)
async def list_suppressions(_: Request, query: SuppressionQuery) -> Answer:
    """Answer a page."""
    if not _IS_CURSOR(query.cursor):
        raise InvalidField("cursor", "is not one that a list gave; leave it out")
    page = await app.async_store.run(commands.read_suppression_page(query.cursor, query.limit))
    return Answer(
        SuppressionList(
            [Suppressed(*one) for one in page.suppressions], page.total, page.cursor or None
        )
    )


@routes.get(
    SUPPRESSION_PATH,
    cross_tenant=True,
    answers={200: Suppressed},
    summary="Say why an address gets no mail",
    tags=["suppressions"],
)
async def show_suppression(request: Request) -> Answer:
    """Answer the entry; 404 for an address that is not on the list."""
    found = await app.async_store.run(
        commands.read_suppression(fold_address(request.params["address"]))
    )
    if found is None:
        raise build_not_found(request)
    return Answer(Suppressed(*found))


@routes.post(
    PATH,
    body=SuppressionOrder,
    also="text/csv",
    scope="control",
    cross_tenant=True,
    answers={200: ImportReport},
    summary="Let addresses get no mail any more",
    description="As JSON, or as CSV with a column email; then the reason is manual.",
    tags=["suppressions"],
)
async def add_suppressions(_: Request, body: SuppressionOrder | str) -> Answer:
    """Note them; a reason that is there already stays."""
    order = SuppressionOrder(parse_addresses(body)) if isinstance(body, str) else body
    checked = [(given, *addresses.parse_address(given)) for given in order.addresses]
    people = dict.fromkeys(fold_address(address) for _, address, problem in checked if not problem)
    added = 0
    for some in batched(people, RECIPIENTS_PER_CHUNK):
        added += await app.async_store.run(commands.suppress(some, order.reason))
    faults = [
        Refused(place, given[: addresses.MAX_SHOWN_CHARACTERS], problem)
        for place, (given, _, problem) in enumerate(checked)
        if problem
    ]
    return Answer(ImportReport(added, len(people) - added, len(faults), faults[:MAX_FAULTS]))


@routes.delete(
    SUPPRESSION_PATH,
    scope="control",
    cross_tenant=True,
    answers={204: None},
    errors=(404, 503),
    summary="Let an address get mail again",
    tags=["suppressions"],
)
async def delete_suppression(request: Request) -> Answer:
    """Take it off the list."""
    if not await app.async_store.run(commands.allow(fold_address(request.params["address"]))):
        raise build_not_found(request)
    return Answer(status=204)


def parse_addresses(table: str) -> list[str]:
    """The addresses of a CSV text."""
    return [row_from_recipient(plain).address for plain in recipient_import.read_csv(table)]


def build_not_found(request: Request) -> Problem:
    """What there is to say about an address that is not on the list."""
    return Problem(404, f"{request.params['address']!r} is not suppressed")

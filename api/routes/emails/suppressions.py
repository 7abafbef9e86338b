"""Routes of the suppression list: addresses that get no mail of any blast."""

import re
from itertools import batched
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import msgspec

from api.http.offload import run_apart
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.routes.emails.blasts import MAX_FAULTS, Refused
from project.celery import app
from project.errors import InvalidField
from tasks.emails import addresses, recipient_import
from tasks.emails.delivery import commands
from tasks.emails.delivery.ledger import fold_address
from tasks.emails.delivery.order import RECIPIENTS_PER_CHUNK, row_from_recipient
from tasks.emails.recipient_import import RecipientFault

PATH = "/suppressions"
SUPPRESSION_PATH = PATH + "/{address}"

routes = Router()

CURSOR_PATTERN = "[0-9]{0,19}"
_IS_CURSOR = re.compile(CURSOR_PATTERN).fullmatch

type Reason = Literal["unsubscribed", "bounced", "complaint", "manual"]


class SuppressionOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses to add to the suppression list, and the reason."""

    example: ClassVar[dict[str, Any]] = {"addresses": ["gone@example.com"], "reason": "bounced"}

    addresses: list[str]
    reason: Reason = "manual"


class CheckedAddresses(NamedTuple):
    """The reason, the keys of the valid addresses, and the number and the first of the others."""

    reason: Reason
    keys: list[str]
    invalid: int
    refused: list[Refused]


class ImportReport(msgspec.Struct, frozen=True):
    """Addresses that are new on the list, known, or invalid; ``refused`` lists the first 100."""

    added: int
    known: int
    invalid: int
    refused: list[Refused]


class SuppressionQuery(msgspec.Struct, frozen=True):
    """The page of the list; ``limit`` is approximate."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    cursor: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": f"^{CURSOR_PATTERN}$"})] = ""


class Suppressed(msgspec.Struct, frozen=True):
    """An address on the list; ``since`` in seconds since 1970."""

    address: str
    reason: str
    since: float


class SuppressionList(msgspec.Struct, frozen=True):
    """A page of the list, in no order; ``next_cursor`` is null on the last page."""

    suppressions: list[Suppressed]
    total: int
    next_cursor: str | None


@routes.get(
    PATH,
    cross_tenant=True,
    query=SuppressionQuery,
    answers={200: SuppressionList},
    summary="List the addresses that get no mail",
    description="A page has about limit addresses, in no order.",
    tags=["suppressions"],
)
async def list_suppressions(_: Request, query: SuppressionQuery) -> Answer:
    """Answer a page."""
    if not _IS_CURSOR(query.cursor):
        raise InvalidField(
            "cursor", "must be the next_cursor of a page, or left out for the first page"
        )
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
    summary="Show why an address gets no mail",
    tags=["suppressions"],
)
async def show_suppression(request: Request) -> Answer:
    """Answer the entry; 404 for an address that is not on the list."""
    found = await fetch_suppression(fold_address(request.params["address"]))
    if found is None:
        raise build_not_found(request)
    return Answer(found)


async def fetch_suppression(key: str) -> Suppressed | None:
    """The entry of an address on the list, or None."""
    entry = await app.async_store.run(commands.read_suppression(key))
    return entry and Suppressed(*entry)


@routes.post(
    PATH,
    body=SuppressionOrder,
    also="text/csv",
    scope="control",
    cross_tenant=True,
    answers={200: ImportReport},
    summary="Add addresses to the suppression list",
    description="As JSON, or as CSV with a column email; then the reason is manual.",
    tags=["suppressions"],
)
async def add_suppressions(request: Request, body: SuppressionOrder | str) -> Answer:
    """Add the addresses; an address on the list keeps its reason."""
    checked = await run_apart(check_addresses, body, is_large=request.has_large_body)
    added = 0
    for chunk in batched(checked.keys, RECIPIENTS_PER_CHUNK):
        added += await app.async_store.run(commands.suppress(chunk, checked.reason))
    known = len(checked.keys) - added
    return Answer(ImportReport(added, known, checked.invalid, checked.refused))


@routes.delete(
    SUPPRESSION_PATH,
    scope="control",
    cross_tenant=True,
    answers={204: None},
    errors=(404, 503),
    summary="Remove an address from the suppression list",
    tags=["suppressions"],
)
async def delete_suppression(request: Request) -> Answer:
    """Remove the address; 404 for an address that is not on the list."""
    if not await app.async_store.run(commands.allow(fold_address(request.params["address"]))):
        raise build_not_found(request)
    return Answer(status=204)


def check_addresses(body: SuppressionOrder | str) -> CheckedAddresses:
    """Check each address. Raises ``InvalidField`` for a CSV text that is none, or without any."""
    order = SuppressionOrder(parse_addresses(body)) if isinstance(body, str) else body
    keys: dict[str, None] = {}
    faults: list[RecipientFault] = []
    for place, given in enumerate(order.addresses):
        address, problem = addresses.parse_address(given)
        if problem:
            shown = given[: addresses.MAX_SHOWN_CHARACTERS]
            faults.append(RecipientFault(place, shown, problem))
        else:
            keys[fold_address(address)] = None
    recipient_import.require_valid(len(order.addresses), faults, "addresses")
    refused = [Refused(*fault) for fault in faults[:MAX_FAULTS]]
    return CheckedAddresses(order.reason, list(keys), len(faults), refused)


def parse_addresses(table: str) -> list[str]:
    """The addresses of a CSV text. Raises ``InvalidField``."""
    return [row_from_recipient(plain).address for plain in recipient_import.read_csv(table)]


def build_not_found(request: Request) -> Problem:
    """The problem of an address that is not on the list."""
    return Problem(404, f"{request.params['address']!r} is not suppressed")

"""One person: the mails of all blasts to an address, and their erasure."""

import asyncio
from typing import Annotated

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs.records import Cursor, build_next_page_header, format_cursor, parse_cursor
from api.routes.emails.emails import PATH
from api.routes.emails.suppressions import Suppressed, fetch_suppression
from project.celery import app
from tasks.emails.addresses import parse_address
from tasks.emails.delivery import erasure, people
from tasks.emails.delivery.ledger import fold_address

PERSON_PATH = PATH + "/recipients/{address}"
MAX_MAILS_PER_PAGE = 200

routes = Router()


class MailQuery(msgspec.Struct, frozen=True):
    """The page of the list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_MAILS_PER_PAGE)] = 50
    cursor: Cursor = ""


class ReceivedMail(msgspec.Struct, frozen=True):
    """A mail to the person: the ``id`` of its blast, its outcome, and since when it was sent.

    ``at`` is in seconds since 1970. ``template`` and ``tenant`` are "" when there are none.
    """

    id: str
    at: float
    outcome: str
    template: str
    tenant: str


class ReceivedMails(msgspec.Struct, frozen=True):
    """A page of mails to ``address``, newest first; ``next_cursor`` is null on the last page.

    ``suppression`` says why the address gets no more mail; it is null when it does, and for the key
    of a tenant.
    """

    address: str
    suppression: Suppressed | None
    mails: list[ReceivedMail]
    next_cursor: str | None


@routes.get(
    PERSON_PATH,
    query=MailQuery,
    answers={200: ReceivedMails},
    answer_headers={200: {"Link": "The next page (rel=next)."}},
    summary="List the mails that one person got, newest first",
    description=(
        "Over all blasts and single mails whose outcomes are still kept. The case of the address "
        "does not matter. Nothing is listed for an address without mails."
    ),
    tags=["emails"],
)
async def list_received_mails(request: Request, query: MailQuery) -> Answer:
    """Answer a page; the key of a tenant sees the mails of that tenant."""
    address, _ = parse_address(request.params["address"])
    key = fold_address(address)
    place = parse_cursor(query.cursor)
    command = people.list_mailings(key, limit=query.limit, tenant=request.tenant, place=place)
    page = await app.async_store.run(command)
    suppression = None if request.tenant else await fetch_suppression(key)
    cursor = format_cursor(page.next_place) if page.next_place else None
    mails = [ReceivedMail(*mailing) for mailing in page.mailings]
    headers = build_next_page_header(request.path, query, cursor)
    return Answer(ReceivedMails(address, suppression, mails, cursor), headers=headers)


class ErasureQuery(msgspec.Struct, frozen=True):
    """Where an erasure that was not complete continues."""

    cursor: Cursor = ""


class Erasure(msgspec.Struct, frozen=True):
    """What was erased: the person is no more in so many ``mailings`` that had it before.

    With a ``next_cursor`` there are more blasts to look at: send the request again with it.
    """

    address: str
    mailings: int
    next_cursor: str | None


@routes.delete(
    PERSON_PATH,
    scope="control",
    cross_tenant=True,
    query=ErasureQuery,
    answers={200: Erasure},
    summary="Erase one person from all blasts",
    description=(
        "An alias takes the place of the address in every outcome, list of recipients and order; "
        "the data of the recipient is dropped. Of the address a hash stays on the suppression "
        "list, so no blast mails the person any more, also one that runs. A repeated request "
        "changes nothing. DELETE /suppressions/{address} allows mails again."
    ),
    tags=["emails"],
)
async def erase_person(request: Request, query: ErasureQuery) -> Answer:
    """Erase for at most 20 seconds, then answer where to continue."""
    address, _ = parse_address(request.params["address"])
    place = parse_cursor(query.cursor)
    done = await asyncio.to_thread(erasure.erase_person, app.store, fold_address(address), place)
    cursor = format_cursor(done.next_place) if done.next_place else None
    return Answer(Erasure(address, done.mailings, cursor))

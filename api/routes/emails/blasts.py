"""Routes of an ordered blast: add its recipients in parts, start, pause and resume it."""

import asyncio
from collections.abc import Sequence
from itertools import batched
from typing import Annotated

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs import records, waiting
from api.jobs.orders import answer_order
from api.routes.emails.emails import EMAIL_BLAST, PATH, Address, Recipient, to_plain
from project.celery import app
from project.records.record import TaskRecord
from project.settings.api_keys import KIND_SCOPE
from project.store.commands import queries
from tasks.emails import recipient_import
from tasks.emails.delivery import commands
from tasks.emails.delivery.commands import AddResult, RecipientLine
from tasks.emails.delivery.ledger_store import compute_retention_seconds
from tasks.emails.delivery.order import RECIPIENTS_PER_CHUNK, MailingOrder
from tasks.emails.recipient_import import RecipientFault, RecipientPart
from tasks.emails.settings import get_mail_settings

BLAST_PATH = PATH + "/{id}"
MAX_FAULTS = 100
SCOPE = KIND_SCOPE + EMAIL_BLAST.task.name

routes = Router()


class Refused(msgspec.Struct, frozen=True):
    """A recipient with an invalid address; ``place`` counts from 0 in the part."""

    place: int
    given: str
    problem: str


class Report(msgspec.Struct, frozen=True):
    """The result of adding a part. ``doubled`` counts recipients that the blast has already.

    ``refused`` lists the first 100 of the ``invalid``; ``total`` counts all parts.
    """

    added: int
    invalid: int
    doubled: int
    total: int
    refused: list[Refused]


@routes.post(
    BLAST_PATH + "/recipients",
    scope=SCOPE,
    body=Annotated[
        list[Address | Recipient],
        msgspec.Meta(
            extra_json_schema={"minItems": 1},
            examples=[["ada@example.com", {"address": "bob@example.com", "data": {"name": "Bob"}}]],
        ),
    ],
    also="text/csv",
    answers={200: Report},
    errors=(404, 409, 503),
    summary="Add recipients to a blast that was ordered with upload",
    description=(
        "A JSON array as in the order, or CSV with a header line that has a column email. The CSV "
        "may be UTF-8 or UTF-16, with commas, semicolons or tabs. Send as many parts as needed; a "
        "part that is sent twice adds each recipient once. A part without a valid address is "
        "refused."
    ),
    tags=["emails"],
)
async def add_recipients(request: Request, body: list[Address | Recipient] | str) -> Answer:
    """Check each address and add the new recipients."""
    await fetch_blast(request)
    part = await asyncio.to_thread(parse_part, body)
    recipient_import.require_valid(len(part.lines), part.faults)
    added = [
        await add_chunk(request.params["id"], lines)
        for lines in batched(part.lines, RECIPIENTS_PER_CHUNK)
    ]
    if not added:
        raise Problem(422, "The part has no recipients")
    return Answer(build_report(added, part.faults))


def parse_part(body: list[Address | Recipient] | str) -> RecipientPart:
    """The recipients of a part, from JSON or CSV. Raises ``InvalidField``."""
    recipients = (
        recipient_import.read_csv(body)
        if isinstance(body, str)
        else [to_plain(item) for item in body]
    )
    return recipient_import.build_part(recipients)


async def add_chunk(blast: str, lines: Sequence[RecipientLine]) -> AddResult:
    """Add one chunk of recipients. Raises ``Problem`` when the blast does not take them."""
    most = get_mail_settings().max_blast
    added: AddResult = await app.async_store.run(
        commands.add_recipients(
            blast, lines, keep_seconds=compute_retention_seconds(), max_recipients=most
        )
    )
    if added.how == "unknown":
        raise Problem(404, f"There is no email_blast with the id {blast!r}")
    if added.how == "closed":
        raise Problem(409, "This blast takes no more recipients: it was started or is over")
    if added.how == "full":
        raise Problem(
            409, f"A blast has at most {most} recipients; this one has {added.total} already"
        )
    return added


def build_report(added: list[AddResult], faults: list[RecipientFault]) -> Report:
    """The results of all chunks of a part as one report."""
    return Report(
        added=sum(result.added for result in added),
        invalid=sum(result.invalid for result in added),
        doubled=sum(result.doubled for result in added),
        total=added[-1].total,
        refused=[Refused(*fault) for fault in faults[:MAX_FAULTS]],
    )


@routes.post(
    BLAST_PATH + "/start",
    scope=SCOPE,
    answers={200: TaskRecord, 202: TaskRecord},
    errors=(404, 409, 503),
    answer_headers={
        200: {"Location": "The record."} | waiting.ANSWER_HEADERS,
        202: {"Location": "The record.", "Retry-After": "Seconds until to ask."},
    },
    summary="Start a blast whose recipients were added in parts",
    tags=["emails"],
)
async def start_blast(request: Request) -> Answer:
    """Make the blast due; a repeated call changes nothing."""
    await fetch_blast(request)
    command = commands.start_mailing(request.params["id"], keep_seconds=compute_retention_seconds())
    answer = await app.async_store.run(command)
    record = await fetch_blast(request)
    if answer == "closed":
        raise Problem(
            409, f"Only a blast that waits for its recipients starts; this one is {record.status}"
        )
    return await answer_order(record, PATH, request)


@routes.post(
    BLAST_PATH + "/pause",
    scope="control",
    answers={200: TaskRecord},
    errors=(404, 409, 503),
    summary="Pause a blast",
    description="Within half a second no more mails are sent, until the blast is resumed.",
    tags=["emails"],
)
async def pause_blast(request: Request) -> Answer:
    """Pause the blast."""
    return await set_paused(request, paused=True)


@routes.post(
    BLAST_PATH + "/resume",
    scope="control",
    answers={200: TaskRecord},
    errors=(404, 409, 503),
    summary="Resume a paused blast",
    tags=["emails"],
)
async def resume_blast(request: Request) -> Answer:
    """Resume the blast."""
    return await set_paused(request, paused=False)


async def set_paused(request: Request, *, paused: bool) -> Answer:
    """Pause or resume; 409 for a blast that is over."""
    await fetch_blast(request)
    command = commands.set_paused(
        request.params["id"], paused=paused, keep_seconds=compute_retention_seconds()
    )
    is_running = await app.async_store.run(command)
    record = await fetch_blast(request)
    if not is_running:
        raise Problem(409, f"The blast is over: it is {record.status}")
    return Answer(record)


async def fetch_blast(request: Request) -> TaskRecord:
    """The record of the blast that the path names. Raises ``Problem`` 404."""
    return await records.fetch_record(request.params["id"], request, EMAIL_BLAST.task.name)


async def fetch_order(blast: str) -> MailingOrder:
    """The order of a blast, from the arguments of its job."""
    args, kwargs = await app.async_store.run(queries.read_payload(blast))
    return MailingOrder(blast, *args, **kwargs)

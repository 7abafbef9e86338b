"""What a blast is told after its order: its recipients in parts, to start, to pause, to go on."""

import asyncio
from collections.abc import Sequence
from itertools import batched
from typing import Annotated

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs import resource, tenants
from api.routes.emails.emails import EMAIL_BLAST, PATH, Address, Recipient, plain
from project.celery import app
from project.records.record import TaskRecord
from project.settings.values import settings
from project.store.commands import queries
from tasks.emails import recipient_import
from tasks.emails.delivery import commands
from tasks.emails.delivery.chunks import CHUNK, Order
from tasks.emails.delivery.commands import Added, Line
from tasks.emails.delivery.ledger_store import seconds_kept
from tasks.emails.recipient_import import Fault, Part

ONE = PATH + "/{id}"
MOST_FAULTS = 100

routes = Router()


class Refused(msgspec.Struct, frozen=True):
    """A recipient that is no address: its place in the part, from 0."""

    place: int
    given: str
    problem: str


class Report(msgspec.Struct, frozen=True):
    """What a part came to. ``doubled`` were there already, in another spelling perhaps.

    ``refused`` are the first 100 of the ``invalid``; ``total`` counts all parts.
    """

    added: int
    invalid: int
    doubled: int
    total: int
    refused: list[Refused]


@routes.post(
    ONE + "/recipients",
    body=Annotated[list[Address | Recipient], msgspec.Meta(extra_json_schema={"minItems": 1})],
    also="text/csv",
    answers={200: Report},
    errors=(404, 409, 503),
    summary="Add recipients to a blast that was ordered with upload",
    description=(
        "A JSON array as in the order, or CSV whose first line names the columns, one of them "
        "email. As many parts as are needed; a part sent twice adds nobody twice."
    ),
    tags=["emails"],
)
async def add_recipients(request: Request, body: list[Address | Recipient] | str) -> Answer:
    """Check each address and note those that are new."""
    await found(request)
    part = await asyncio.to_thread(read, body)
    added = [await add(request.params["id"], some) for some in batched(part.lines, CHUNK)]
    if not added:
        raise Problem(422, "The part has no recipients")
    return Answer(report(added, part.faults))


def read(body: list[Address | Recipient] | str) -> Part:
    """The lines of a part, in either format."""
    given = (
        recipient_import.read_csv(body) if isinstance(body, str) else [plain(item) for item in body]
    )
    return recipient_import.sort_out(given)


async def add(blast: str, lines: Sequence[Line]) -> Added:
    """Note one chunk of recipients; a problem when the blast takes none."""
    most = settings().max_blast
    added: Added = await app.async_store.run(
        commands.add(blast, lines, kept=seconds_kept(), most=most)
    )
    if added.how == "unknown":
        raise Problem(404, f"There is no email_blast with the id {blast!r}")
    if added.how == "closed":
        raise Problem(409, "This blast takes no recipients: it was started, or is over")
    if added.how == "full":
        raise Problem(409, f"A blast has at most {most} recipients; this one has {added.total}")
    return added


def report(added: list[Added], faults: list[Fault]) -> Report:
    """The parts of an answer as one."""
    return Report(
        added=sum(some.added for some in added),
        invalid=sum(some.invalid for some in added),
        doubled=sum(some.doubled for some in added),
        total=added[-1].total,
        refused=[Refused(*fault) for fault in faults[:MOST_FAULTS]],
    )


@routes.post(
    ONE + "/start",
    answers={202: TaskRecord},
    errors=(404, 409, 503),
    answer_headers={202: {"Location": "The record.", "Retry-After": "Seconds until to ask."}},
    summary="Start a blast whose recipients were added in parts",
    tags=["emails"],
)
async def start_blast(request: Request) -> Answer:
    """Make it due; asking again changes nothing."""
    await found(request)
    move = commands.start(request.params["id"], kept=seconds_kept())
    said = await app.async_store.run(move)
    record = await found(request)
    if said == "closed":
        raise Problem(
            409, f"Only a blast that waits for its recipients starts; it is {record.status}"
        )
    return await resource.answer_order(record, PATH, request)


@routes.post(
    ONE + "/pause",
    scope="control",
    answers={200: TaskRecord},
    errors=(404, 409, 503),
    summary="Pause a blast",
    description="Within half a second nobody is mailed any more, until it is resumed.",
    tags=["emails"],
)
async def pause_blast(request: Request) -> Answer:
    """Hold it."""
    return await hold(request, paused=True)


@routes.post(
    ONE + "/resume",
    scope="control",
    answers={200: TaskRecord},
    errors=(404, 409, 503),
    summary="Let a paused blast go on",
    tags=["emails"],
)
async def resume_blast(request: Request) -> Answer:
    """Let it go on."""
    return await hold(request, paused=False)


async def hold(request: Request, *, paused: bool) -> Answer:
    """Pause or resume; 409 for a blast that is over."""
    await found(request)
    move = commands.pause(request.params["id"], paused=paused, kept=seconds_kept())
    is_held = await app.async_store.run(move)
    record = await found(request)
    if not is_held:
        raise Problem(409, f"The blast is over: it is {record.status}")
    return Answer(record)


async def found(request: Request) -> TaskRecord:
    """The blast that the path names; 404 when there is none."""
    job_id, name = request.params["id"], EMAIL_BLAST.job.name
    record = tenants.seen(await app.async_store.run(queries.read(job_id)), request)
    if record is None or record.kind != name:
        raise Problem(404, f"There is no {name} with the id {job_id!r}")
    return record


async def order_of(blast: str) -> Order:
    """What a blast is to do."""
    args, kwargs = await app.async_store.run(queries.read_payload(blast))
    return Order(blast, *args, **kwargs)

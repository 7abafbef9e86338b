"""Routes of the outboxes of applications: what waits there, and what cannot become a job."""

import asyncio
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from project.celery import app
from project.relay.refused import (
    OutboxUnavailable,
    RefusedOrder,
    delete_refused,
    list_refused,
    retry_refused,
)
from project.settings.relay import get_relay_settings
from project.store.commands import relay

PATH = "/outboxes"
REFUSED_PATH = PATH + "/refused"
ROW_PATH = REFUSED_PATH + "/{id}"
MAX_REFUSED = 1_000

routes = Router()
refused_routes = Router()
"""They need PostgreSQL, and so the extra ``outbox``."""


class ShownOutbox(msgspec.Struct, frozen=True):
    """An outbox, by the host and the name of its database, as a worker saw it last.

    ``rows`` wait (100,000 are counted at most), and the first of them for ``lag`` seconds.
    ``refused`` are put aside. ``unseen``: seconds since a worker looked.
    """

    name: str
    rows: int
    lag: float
    refused: int
    unseen: float


class OutboxList(msgspec.Struct, frozen=True):
    """The outboxes that workers have looked at in the last day."""

    outboxes: list[ShownOutbox]


class RefusedQuery(msgspec.Struct, frozen=True):
    """How many rows."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_REFUSED)] = 100


class RefusedList(msgspec.Struct, frozen=True):
    """Orders that were put aside, those of each outbox newest first.

    ``problems``: by outbox why it could not be read.
    """

    refused: list[RefusedOrder]
    problems: dict[str, str]


@routes.get(
    PATH,
    cross_tenant=True,
    answers={200: OutboxList},
    summary="List the outboxes of applications",
    tags=["queue"],
)
async def list_outboxes(_: Request) -> Answer:
    """Answer what workers have seen."""
    found = await app.async_store.run(relay.list_outboxes())
    return Answer(OutboxList([ShownOutbox(*each) for each in found]))


@refused_routes.get(
    REFUSED_PATH,
    query=RefusedQuery,
    cross_tenant=True,
    answers={200: RefusedList},
    errors=(),
    summary="List the orders of outboxes that cannot become jobs",
    description="Read from the databases in the API's own `OUTBOX_URL`; without it there are none.",
    tags=["queue"],
)
async def list_refused_orders(_: Request, query: RefusedQuery) -> Answer:
    """Answer the rows that were put aside."""
    return Answer(RefusedList(*await asyncio.to_thread(list_refused, get_urls(), query.limit)))


@refused_routes.post(
    ROW_PATH + "/retry",
    scope="control",
    cross_tenant=True,
    answers={204: None},
    errors=(404, 503),
    summary="Order again what was refused",
    description="The row goes back to its outbox under its id. A worker makes the job, or refuses "
    "the row once more.",
    tags=["queue"],
)
async def retry_refused_order(request: Request) -> Answer:
    """Put the row back; 404 when it is not put aside."""
    return await change(request, retry_refused)


@refused_routes.delete(
    ROW_PATH,
    scope="control",
    cross_tenant=True,
    answers={204: None},
    errors=(404, 503),
    summary="Delete an order that was refused",
    tags=["queue"],
)
async def delete_refused_order(request: Request) -> Answer:
    """Delete the row; 404 when it is not put aside."""
    return await change(request, delete_refused)


async def change(request: Request, act: Callable[[list[str], str], bool]) -> Answer:
    """Change the row that the path names. Raises ``Problem``: 404, or 503 without PostgreSQL."""
    name = request.params["id"]
    try:
        is_changed = await asyncio.to_thread(act, get_urls(), str(UUID(name)))
    except ValueError:
        is_changed = False
    except OutboxUnavailable as problem:
        raise Problem(503, f"An outbox does not answer: {problem}") from problem
    if not is_changed:
        raise Problem(404, f"No outbox has put aside {name!r}; GET {REFUSED_PATH} lists all rows")
    return Answer(status=204)


def get_urls() -> list[str]:
    """The databases that this API may look into."""
    return get_relay_settings().outbox_urls

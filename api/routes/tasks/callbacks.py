"""Routes of callbacks: show a delivery, send it again, and enable disabled URLs."""

import asyncio
from typing import Any, ClassVar

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs import waiting
from api.jobs.kinds import SHOW_ROUTE
from api.jobs.orders import answer_order
from api.jobs.records import answer_record, fetch_record
from api.routes.tasks.tasks import (
    PATH,
    TASK_PATH,
    build_problem_members,
    fetch_requested_record,
)
from project.celery import CALLBACK_KIND, app
from project.messages.order_fields import Url
from project.records.record import TaskRecord
from project.store.commands import callbacks

MAX_DISABLED_URLS = 1_000

routes = Router()


class CallbackUrl(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A callback URL."""

    example: ClassVar[dict[str, Any]] = {"url": "https://hooks.example.com/done"}

    url: Url


class DisabledUrl(msgspec.Struct, frozen=True):
    """A URL that gets no more callbacks, and since when (seconds since 1970)."""

    url: Url
    since: float


class DisabledUrls(msgspec.Struct, frozen=True):
    """Disabled URLs, newest first, at most 1,000."""

    urls: list[DisabledUrl]


@routes.get(
    TASK_PATH + "/delivery",
    **SHOW_ROUTE,
    summary="Show the callback delivery of a job",
    description="404 when the job has no callback or has not ended.",
    tags=["callbacks"],
)
async def show_delivery(request: Request) -> Answer:
    """Answer the record of the delivery."""
    return await answer_record(
        await fetch_delivery(await fetch_requested_record(request), request), request
    )


@routes.post(
    TASK_PATH + "/redeliver",
    scope="control",
    answers={200: TaskRecord, 202: TaskRecord},
    errors=(404, 409, 503),
    answer_headers={
        200: {"Location": "The record."} | waiting.ANSWER_HEADERS,
        202: {"Location": "The record.", "Retry-After": "Seconds to wait before asking."},
    },
    summary="Send the callback of a job again",
    description="The id is that of the job or of its delivery; webhook-id stays the same.",
    tags=["callbacks"],
)
async def redeliver(request: Request) -> Answer:
    """Queue the delivery again. Raises ``Problem`` 409 when it has not ended."""
    record = await fetch_delivery(await fetch_requested_record(request), request)
    if not await asyncio.to_thread(app.AsyncResult(record.id).rerun):
        raise Problem(
            409,
            f"The delivery has not ended: its status is {record.status}",
            members=build_problem_members(record),
        )
    return await answer_order(await fetch_record(record.id, request), PATH, request)


@routes.get(
    "/callbacks/disabled",
    scope="admin",
    cross_tenant=True,
    answers={200: DisabledUrls},
    summary="List the URLs that answered 410 Gone to a callback",
    tags=["callbacks"],
)
async def list_disabled(_: Request) -> Answer:
    """Answer the newest disabled URLs."""
    urls = await app.async_store.run(callbacks.list_disabled_urls(MAX_DISABLED_URLS))
    return Answer(DisabledUrls([DisabledUrl(url, since) for url, since in urls]))


@routes.post(
    "/callbacks/enable",
    body=CallbackUrl,
    scope="admin",
    cross_tenant=True,
    answers={200: CallbackUrl},
    errors=(404, 503),
    summary="Send callbacks to a URL that answered 410 Gone before",
    tags=["callbacks"],
)
async def enable_callbacks(_: Request, body: CallbackUrl) -> Answer:
    """Send callbacks to the URL again. Raises ``Problem`` 404."""
    if not await app.async_store.run(callbacks.enable_url(body.url)):
        raise Problem(404, "This URL is not disabled; GET /callbacks/disabled lists those that are")
    return Answer(body)


async def fetch_delivery(record: TaskRecord, request: Request) -> TaskRecord:
    """Fetch the delivery of a job; a delivery is returned as it is. Raises ``Problem`` 404."""
    if record.kind == CALLBACK_KIND:
        return record
    delivery_id = await app.async_store.run(callbacks.read_last_delivery_id(record.id))
    if not delivery_id:
        raise Problem(
            404,
            "This job has no callback_url, or it has not ended",
            members=build_problem_members(record),
        )
    return await fetch_record(delivery_id, request)

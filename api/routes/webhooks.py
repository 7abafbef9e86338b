"""Order a call of somebody else's API, watch it, list them."""

from typing import Annotated, Any

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs import records
from api.jobs.orders import JobOrder, Url
from project.records.record import DEFAULT_MAX_RETRIES
from tasks.webhooks import call_arguments, call_webhook

PATH = "/webhooks"
MAX_ATTEMPTS = 20

routes = Router()


class WebhookOrder(JobOrder, frozen=True, kw_only=True):
    """One HTTP request to a server on the public internet.

    A text ``body`` is sent as it is, another value as JSON, null as no body. ``timeout`` is in
    seconds and covers the whole call. ``expect`` lists the statuses of a success; empty means any
    2xx. ``max_retries`` is the maximum number of attempts.
    """

    url: Url
    method: call_arguments.Method = "POST"
    headers: call_arguments.CallHeaders = msgspec.field(default_factory=dict)
    body: Any = None
    timeout: call_arguments.TimeoutSeconds = 10.0
    expect: call_arguments.Statuses = msgspec.field(default_factory=list)
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] = DEFAULT_MAX_RETRIES


def build_task_options(order: WebhookOrder) -> dict[str, Any]:
    """Check the call; a host's name is looked up only when the job runs."""
    said = {name: getattr(order, name) for name in call_arguments.Call.__struct_fields__}
    kwargs = msgspec.structs.asdict(call_arguments.check_call(**said))
    return {"kwargs": kwargs, "max_retries": order.max_retries}


WEBHOOK = records.JobKind(call_webhook, PATH, WebhookOrder, build_task_options)


@routes.post(
    PATH,
    body=WebhookOrder,
    **records.ORDER_ROUTE,
    summary="Order a call of another API",
    tags=["webhooks"],
)
async def order_webhook(request: Request, body: WebhookOrder) -> Answer:
    """Check the call and queue it."""
    return await records.accept(WEBHOOK, body, request)


@routes.get(
    PATH + "/{id}",
    **records.SHOW_ROUTE,
    summary="Show a call's record",
    tags=["webhooks"],
)
async def show_webhook(request: Request) -> Answer:
    """Answer the record."""
    return await records.show(WEBHOOK, request)


@routes.get(
    PATH,
    query=records.ListQuery,
    answers={200: records.TaskList},
    answer_headers={200: {"Link": "The next page (rel=next)."}},
    summary="List calls, newest first",
    tags=["webhooks"],
)
async def list_webhooks(request: Request, query: records.ListQuery) -> Answer:
    """Answer a page of records."""
    return await records.show_list(WEBHOOK, query, request)

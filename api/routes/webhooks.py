"""The routes of webhooks, which call the API of a third party."""

from typing import Annotated, Any, ClassVar

import msgspec

from api.jobs.kinds import RouteTexts, build_kind_routes
from api.jobs.orders import JobKind, JobOrder, Url
from project.records.record import DEFAULT_MAX_RETRIES
from tasks.webhooks import call_arguments, call_webhook

PATH = "/webhooks"
MAX_ATTEMPTS = 20


class WebhookOrder(JobOrder, frozen=True, kw_only=True):
    """One HTTP request to a server on the public internet.

    A text ``body`` is sent as it is, another value as JSON, null as no body. ``timeout`` is in
    seconds and covers the whole call. ``expect`` lists the statuses of a success; empty means any
    2xx. ``max_retries`` is the maximum number of attempts.
    """

    keeps_decimals: ClassVar[bool] = True
    """The server gets the digits of ``body`` that were sent here."""

    example: ClassVar[dict[str, Any]] = {
        "url": "https://hooks.example.com/orders",
        "body": {"order": 7, "state": "paid"},
    }

    url: Url
    method: call_arguments.Method = "POST"
    headers: call_arguments.CallHeaders = msgspec.field(default_factory=dict)
    body: Any = None
    timeout: call_arguments.TimeoutSeconds = 10.0
    expect: call_arguments.Statuses = msgspec.field(default_factory=list)
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] = DEFAULT_MAX_RETRIES


def build_task_options(order: WebhookOrder) -> dict[str, Any]:
    """Check the call. Raises ``InvalidField``. The host is resolved only when the job runs."""
    fields = {name: getattr(order, name) for name in call_arguments.Call.__struct_fields__}
    kwargs = msgspec.structs.asdict(call_arguments.check_call(**fields))
    return {"kwargs": kwargs, "max_retries": order.max_retries}


WEBHOOK = JobKind(call_webhook, PATH, WebhookOrder, build_task_options)

routes = build_kind_routes(
    WEBHOOK,
    RouteTexts(
        one="webhook",
        many="webhooks",
        order_summary="Order a call of another API",
        show_summary="Show a call's record",
        list_summary="List calls, newest first",
    ),
    tag="webhooks",
)

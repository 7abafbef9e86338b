"""Calls of external HTTP servers, repeated while another attempt may succeed.

The kind ``webhook`` sends one HTTP request; the kind ``callback`` reports the end of a job. May
import: project, no other kind.
"""

from typing import Any

from msgspec import structs

from project.celery import CALLBACK_KIND, app
from project.errors import InvalidField, PermanentError
from project.job.task import Job
from project.payload.offer import Offer
from project.records.record import compute_backoff
from project.store.commands.message import Message
from tasks.webhooks import call_arguments, deliveries

EXAMPLE = {
    "url": "https://hooks.example.com/orders",
    "body": {"order": 7, "state": "paid"},
}


def check_webhook(**call: Any) -> dict[str, Any]:
    """The call as it is made. Raises ``InvalidField``. The host is resolved only when it is."""
    return structs.asdict(call_arguments.check_call(**call))


@app.retried_task(
    name="webhook",
    http=Offer("/webhooks", example=EXAMPLE, keeps_decimals=True),
    check=check_webhook,
    hides_arguments=True,
    resultrepr_maxsize=20,  # log and Flower show the status, but not the body of the response
)
def call_webhook(
    self: Any,
    url: call_arguments.CallUrl,
    method: call_arguments.Method = "POST",
    headers: call_arguments.CallHeaders = {},  # noqa: B006 - it is not changed
    body: Any = None,
    timeout: call_arguments.TimeoutSeconds = 10.0,
    expect: call_arguments.Statuses = [],  # noqa: B006 - the same
) -> dict[str, Any]:
    """Order a call of another API.

    It is one HTTP request to a server on the public internet. A text ``body`` is sent as it is,
    another value as JSON, null as no body. ``timeout`` is in seconds and covers the whole call.
    ``expect`` lists the statuses of a success; empty means any 2xx. A ``Retry-After`` of the server
    delays the next attempt, but never brings it forward. With 429 or 503 it holds all calls of the
    host back, for an hour at most, and the attempt does not count.

    The result is ``{"status": int, "headers": {}, "body": str, "seconds": float}``.
    """
    from tasks.webhooks import calls, holds

    call = call_arguments.check_call(
        url=url, method=method, headers=headers, body=body, timeout=timeout, expect=expect
    )
    try:
        return calls.make_call(call, self.request.id)
    except calls.RetryRequested as error:
        holds.hold_host(self, url, error)
        if error.after <= compute_backoff(self.request.retries + 1):
            raise
        raise self.retry(exc=error, countdown=error.after) from error


class CallbackTask(Job):
    """Checks the URL when the job is enqueued, not only when it runs."""

    def message(self, args: Any = None, kwargs: Any = None, **options: Any) -> Message:
        """Build the message of a delivery. Raises ``InvalidField``."""
        deliveries.check_url((kwargs or {}).get("url", ""))
        return super().message(args, kwargs, **options)


@app.task(
    name=CALLBACK_KIND,
    base=CallbackTask,
    bind=True,
    max_retries=len(deliveries.RETRY_DELAYS_SECONDS),
    repeats=True,
    hides_arguments=True,
    resultrepr_maxsize=20,
)
def deliver_callback(self: Any, url: str) -> dict[str, Any]:
    """Report the end of a job to ``url``; see ``deliveries.deliver``."""
    from tasks.webhooks import calls, holds

    try:
        return deliveries.deliver(url, self.request.id, app.store)
    except (PermanentError, InvalidField):
        raise
    except Exception as error:
        if isinstance(error, calls.RetryRequested):
            holds.hold_host(self, url, error)
        delay = deliveries.compute_delay(self.attempts_left, error)
        raise self.retry(exc=error, countdown=delay) from error

"""Calls of external HTTP servers, repeated while another attempt may succeed.

The kind ``webhook`` sends one HTTP request; the kind ``callback`` reports the end of a job. May
import: project, no other kind.
"""

from typing import Any

from project.celery import CALLBACK_KIND, app
from project.errors import InvalidField, PermanentError
from project.job.task import Job
from project.records.record import compute_backoff
from project.store.commands.message import Message
from tasks.webhooks import deliveries


@app.retried_task(
    name="webhook",
    hides_arguments=True,
    resultrepr_maxsize=20,  # log and Flower show the status, but not the body of the response
)
def call_webhook(self: Any, **call: Any) -> dict[str, Any]:
    """Send one HTTP request; ``call`` has the fields of ``tasks.webhooks.call_arguments.Call``.

    Returns ``{"status": int, "headers": {}, "body": str, "seconds": float}``. A ``Retry-After``
    of the server delays the next attempt, but never brings it forward.
    """
    from tasks.webhooks import call_arguments, calls

    try:
        return calls.make_call(call_arguments.check_call(**call), self.request.id)
    except calls.RetryRequested as error:
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
    try:
        return deliveries.deliver(url, self.request.id, app.store)
    except (PermanentError, InvalidField):
        raise
    except Exception as error:
        delay = deliveries.compute_delay(self.attempts_left, error)
        raise self.retry(exc=error, countdown=delay) from error

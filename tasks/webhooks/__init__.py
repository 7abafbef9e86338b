"""The kind ``webhook``: one HTTP request to somebody else's server, again while that may help."""

from typing import Any

from project.celery import app
from project.errors import InvalidField, PermanentError
from project.records import MAX_BACKOFF, backoff
from project.settings import settings


@app.task(
    name="webhook",
    bind=True,
    autoretry_for=(Exception,),
    dont_autoretry_for=(PermanentError, InvalidField),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF,
    retry_jitter=settings().retry_jitter,
    hides_arguments=True,
    resultrepr_maxsize=20,  # the log and Flower see the status, not the answer's body
)
def call_webhook(self: Any, **call: Any) -> dict[str, Any]:
    """Make a call; ``call`` is what ``tasks.webhooks.orders.check`` takes.

    Returns ``{"status": int, "headers": {}, "body": str, "seconds": float}``. A server that
    says when to come again is asked then, if that is later than the next attempt would be.
    """
    from tasks.webhooks import calls, orders

    try:
        return calls.make(orders.check(**call), self.request.id)
    except calls.PutOff as put_off:
        if put_off.after <= backoff(self.request.retries + 1):
            raise
        raise self.retry(exc=put_off, countdown=put_off.after) from put_off

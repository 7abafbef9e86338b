"""Calls of somebody else's server, again while that may help.

The kind ``webhook`` is one HTTP request that was ordered, the kind ``callback`` tells how a job
ended.
"""

from typing import Any

from project.celery import CALLBACK_KIND, app
from project.errors import InvalidField, PermanentError
from project.job.task import Job
from project.records.record import MAX_BACKOFF_SECONDS, compute_backoff
from project.settings.values import get_settings
from project.store.commands.message import Message
from tasks.webhooks import deliveries


@app.task(
    name="webhook",
    bind=True,
    autoretry_for=(Exception,),
    dont_autoretry_for=(PermanentError, InvalidField),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF_SECONDS,
    retry_jitter=get_settings().retry_jitter,
    hides_arguments=True,
    resultrepr_maxsize=20,  # the log and Flower see the status, not the answer's body
)
def call_webhook(self: Any, **call: Any) -> dict[str, Any]:
    """Make a call; ``call`` is what ``tasks.webhooks.call_arguments.check_call`` takes.

    Returns ``{"status": int, "headers": {}, "body": str, "seconds": float}``. A server that
    says when to come again is asked then, if that is later than the next attempt would be.
    """
    from tasks.webhooks import call_arguments, calls

    try:
        return calls.make_call(call_arguments.check_call(**call), self.request.id)
    except calls.RetryRequested as put_off:
        if put_off.after <= compute_backoff(self.request.retries + 1):
            raise
        raise self.retry(exc=put_off, countdown=put_off.after) from put_off


class CallbackTask(Job):
    """Checks a URL when it is given, not only when it is called."""

    def message(self, args: Any = None, kwargs: Any = None, **options: Any) -> Message:
        """The message of a delivery. Raises ``InvalidField``."""
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
    """Tell ``url`` how the job ended for which this one was made; see ``deliveries.deliver``."""
    try:
        return deliveries.deliver(url, self.request.id, app.store)
    except (PermanentError, InvalidField):
        raise
    except Exception as problem:
        pause = deliveries.compute_delay(self.attempts_left, problem)
        raise self.retry(exc=problem, countdown=pause) from problem

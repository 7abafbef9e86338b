"""The kind ``email_blast``: one mail to each recipient, whatever happens in between."""

from dataclasses import asdict
from typing import Any

from project.celery import app
from project.errors import InvalidField, PermanentError
from project.records import MAX_BACKOFF
from project.settings import settings


@app.task(
    name="email_blast",
    bind=True,
    autoretry_for=(Exception,),
    dont_autoretry_for=(PermanentError, InvalidField),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF,
    retry_jitter=settings().retry_jitter,
)
def send_email_blast(self: Any, recipients: list[str], template: str) -> dict[str, Any]:
    """Mail ``template`` to recipients that ``tasks.emails.blast.check`` has passed.

    Returns ``{"sent": int, "template": str}`` and, when there are any, how many
    ``bounced``, were ``rejected`` or are ``unknown``.
    """
    from tasks.emails import blast
    from tasks.emails.ledger import RedisLedger

    job_id = self.request.id
    ledger = RedisLedger(app.store.client, job_id)
    counts = asdict(blast.deliver(job_id, recipients, template, ledger))
    sent = counts.pop("sent")
    return {"sent": sent, "template": template} | {name: n for name, n in counts.items() if n}

"""The kind ``email_blast``: one mail to each recipient, whatever happens in between."""

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
def send_email_blast(
    self: Any, recipients: list[Any], template: str, **wishes: Any
) -> dict[str, Any]:
    """Mail ``template`` to recipients that ``tasks.emails.blast.check`` has passed.

    ``wishes`` are further fields of ``tasks.emails.roll.Order``. Returns ``{"sent": int,
    "template": str}``, how many have another outcome when there are any, ``rate`` (mails a
    second) and ``duration`` (seconds).
    """
    from tasks.emails import turns
    from tasks.emails.roll import Order

    order = Order(self.request.id, recipients, template, **wishes)
    return turns.lead(self, order, help_with_blast)


@app.task(name="email_blast_help", bind=True)
def help_with_blast(self: Any, blast: str) -> str:
    """Mail a part of a large blast beside its own job; says why it ended."""
    from tasks.emails import turns

    return turns.help_out(self, blast)

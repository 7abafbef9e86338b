"""The kind ``email_blast``: one mail to each recipient, whatever happens in between."""

from typing import Any

from project.celery import app
from project.errors import InvalidField, PermanentError
from project.records.record import MAX_BACKOFF_SECONDS
from project.settings.values import get_settings


@app.task(
    name="email_blast",
    bind=True,
    autoretry_for=(Exception,),
    dont_autoretry_for=(PermanentError, InvalidField),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF_SECONDS,
    retry_jitter=get_settings().retry_jitter,
)
def send_email_blast(
    self: Any, recipients: list[Any], template: str, **wishes: Any
) -> dict[str, Any]:
    """Mail ``template`` to recipients that ``delivery.attempt.check_mailing`` has passed.

    ``wishes`` are further fields of ``delivery.order.MailingOrder``. Returns ``{"sent": int,
    "template": str}``, how many have another outcome when there are any, ``rate`` (mails a
    second) and ``duration`` (seconds).
    """
    from tasks.emails.delivery import slices
    from tasks.emails.delivery.order import MailingOrder

    order = MailingOrder(self.request.id, recipients, template, **wishes)
    return slices.run_leader_slice(self, order, help_with_blast)


@app.task(name="email_blast_help", bind=True)
def help_with_blast(self: Any, blast: str) -> str:
    """Mail a part of a large blast beside its own job; says why it ended."""
    from tasks.emails.delivery import slices

    return slices.run_helper_slice(self, blast)

"""The kind ``report``: figures, charts and a table made from data, kept as an artifact."""

import random
from typing import Any

from project.celery import app
from project.errors import InvalidField, PermanentError, TransientError
from project.records.record import MAX_BACKOFF_SECONDS
from project.settings.values import get_settings
from tasks.rendering.definitions.schema import Output


@app.task(
    name="report",
    bind=True,
    autoretry_for=(Exception,),
    dont_autoretry_for=(PermanentError, InvalidField),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF_SECONDS,
    retry_jitter=get_settings().retry_jitter,
)
def generate_report(
    self: Any,
    type: str,  # noqa: A002 - the wire's name
    filters: dict[str, Any],
    format: Output | list[Output] = "pdf",  # noqa: A002 - the same
    archival: bool = False,
    mail: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the report; ``filters`` as ``tasks.rendering.definitions.filters.check`` gave them.

    Returns ``{"report_type": str, "rows_processed": int}``, what ``artifacts.described``
    says about the file, ``rows`` (lines of its table), ``pages`` of the PDF and what time it
    ``covers``, if any. ``mail`` is what ``tasks.rendering.follow_up_mail.Mail`` has; then there is
    also ``mail_id``, the job that mails it.
    """
    from tasks.rendering import follow_up_mail
    from tasks.rendering.process import build_progress_listener
    from tasks.reports import documents

    wish = follow_up_mail.parse_mail(mail)
    fail_on_purpose()
    outputs = [format] if isinstance(format, str) else format
    made = documents.build_report(
        type, filters, outputs, archival=archival, heard=build_progress_listener(self)
    )
    if wish is None:
        return made
    return made | {
        "mail_id": follow_up_mail.enqueue_mail(
            self, wish, documents.summarize_report(filters, made), made
        )
    }


def fail_on_purpose() -> None:
    """Fail some attempts when CONTINUO_FAULT_RATE says so, to let retries be watched."""
    if random.random() < get_settings().fault_rate:  # noqa: S311 - not a secret
        raise TransientError("Upstream data service timed out (simulated)")

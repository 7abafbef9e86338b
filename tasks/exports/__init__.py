"""The kind ``export``: all rows of a query as one file, kept as an artifact."""

from typing import Any

from project.celery import app
from project.errors import InvalidField, PermanentError
from project.records.record import MAX_BACKOFF_SECONDS
from project.settings.values import get_settings
from tasks.rendering.definitions.schema import Output


@app.task(
    name="export",
    bind=True,
    autoretry_for=(Exception,),
    dont_autoretry_for=(PermanentError, InvalidField),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF_SECONDS,
    retry_jitter=get_settings().retry_jitter,
)
def export_rows(
    self: Any,
    filters: dict[str, Any],
    format: Output,  # noqa: A002 - the wire's name
    type: str = "",  # noqa: A002 - the same
    source: str = "",
    query: str = "",
    mail: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Export the rows of a report ``type``, or of a ``query`` of a ``source``.

    ``mail`` is what ``tasks.rendering.follow_up_mail.Mail`` has. Returns
    ``{"export": str, "rows": int}``, what ``artifacts.described`` says, and with ``mail``
    the ``mail_id`` of the job that mails it.
    """
    from tasks.exports import files
    from tasks.rendering import follow_up_mail
    from tasks.rendering.process import build_progress_listener

    wish, wanted = (
        follow_up_mail.parse_mail(mail),
        files.resolve_export(filters, type, source, query),
    )
    made = files.build_export(wanted, format, build_progress_listener(self))
    if wish is None:
        return made
    return made | {
        "mail_id": follow_up_mail.enqueue_mail(
            self, wish, files.summarize_export(wanted, made), made
        )
    }

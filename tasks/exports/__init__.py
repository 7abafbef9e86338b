"""The kind ``export``: all rows of a query as one file, kept as an artifact."""

from typing import Any

from project.celery import app
from project.errors import InvalidField, PermanentError
from project.records import MAX_BACKOFF
from project.settings import settings
from tasks.press.orders import Output


@app.task(
    name="export",
    bind=True,
    autoretry_for=(Exception,),
    dont_autoretry_for=(PermanentError, InvalidField),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF,
    retry_jitter=settings().retry_jitter,
)
def export_rows(
    self: Any,
    filters: dict[str, Any],
    format: Output,  # noqa: A002 - the wire's name
    type: str = "",  # noqa: A002 - the same
    source: str = "",
    query: str = "",
) -> dict[str, Any]:
    """Export the rows of a report ``type``, or of a ``query`` of a ``source``.

    Returns ``{"export": str, "rows": int}`` and what ``artifacts.described`` says.
    """
    from tasks.exports import files
    from tasks.press.process import progress_of

    wanted = files.wanted(filters, type, source, query)
    return files.build(wanted, format, progress_of(self))

"""The kind ``export``: all rows of a query as one file, stored as an artifact.

May import: rendering, project; no other kind.
"""

from typing import Any

import tasks.rendering.settings  # noqa: F401 - a wrong setting stops the worker at its start
from project.celery import app
from tasks.rendering.definitions.schema import Output


@app.retried_task(name="export")
def export_rows(
    self: Any,
    filters: dict[str, Any],
    format: Output,  # noqa: A002 - the name in the message
    type: str = "",  # noqa: A002 - the same
    source: str = "",
    query: str = "",
    mail: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Export the rows of a report ``type``, or of a ``query`` of a ``source``.

    ``mail`` has the fields of ``tasks.rendering.follow_up_mail.Mail``. Returns
    ``{"export": str, "rows": int}``, the fields of ``links.describe_artifact``, ``read_as`` and
    ``warnings`` as in a report, and with ``mail`` also ``mail_id``, the id of the mail job.
    """
    from tasks.exports import files
    from tasks.rendering import follow_up_mail
    from tasks.rendering.process import build_progress_listener

    follow_up = follow_up_mail.parse_mail(mail)
    spec = files.resolve_export(filters, type, source, query)
    result = files.build_export(spec, format, build_progress_listener(self))
    if follow_up is None:
        return result
    summary = files.summarize_export(spec, result)
    return result | {"mail_id": follow_up_mail.enqueue_mail(self, follow_up, summary, result)}

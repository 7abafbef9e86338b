"""The kind ``report``: figures, charts and a table, rendered and stored as an artifact.

May import: rendering, project; no other kind.
"""

import random
from typing import Any

import tasks.rendering.settings  # noqa: F401 - a wrong setting stops the worker at its start
from project.celery import app
from project.errors import TransientError
from project.job.running.own_record import read_tenant
from project.services import declare_service
from project.settings.groups import read_settings
from tasks.rendering.definitions.schema import Output
from tasks.reports.settings import ReportSettings

declare_service("database", "tasks.rendering.data.postgres:check_database")


@app.retried_task(name="report")
def generate_report(
    self: Any,
    type: str,  # noqa: A002 - the name in the message
    filters: dict[str, Any],
    format: Output | list[Output] = "pdf",  # noqa: A002 - the same
    archival: bool = False,
    region: dict[str, str] | None = None,
    mail: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Generate a report; several formats make a zip.

    ``region`` has ``locale``, ``currency`` and ``zone``; the settings say what it leaves out.
    ``mail`` has the fields of ``tasks.rendering.follow_up_mail.Mail``. Returns
    ``{"report_type": str, "rows_processed": int}``, the fields of ``links.describe_artifact``,
    ``rows`` (lines of the table), ``pages`` of a PDF and the period it ``covers``, if any,
    ``read_as`` (how own files were read, by table) and ``warnings`` (list of texts), if any, and
    with ``mail`` also ``mail_id``, the id of the mail job.
    """
    from tasks.rendering import follow_up_mail
    from tasks.rendering.process import build_progress_listener
    from tasks.reports import documents

    follow_up = follow_up_mail.parse_mail(mail)
    fail_on_purpose()
    outputs = [format] if isinstance(format, str) else format
    result = documents.build_report(
        type,
        filters,
        outputs,
        archival=archival,
        region=region,
        tenant=read_tenant(self),
        on_progress=build_progress_listener(self),
    )
    if follow_up is None:
        return result
    summary = documents.summarize_report(filters, result)
    return result | {"mail_id": follow_up_mail.enqueue_mail(self, follow_up, summary, result)}


def fail_on_purpose() -> None:
    """Fail a share CONTINUO_FAULT_RATE of all attempts, to demonstrate retries."""
    if random.random() < read_settings(ReportSettings).fault_rate:  # noqa: S311 - not a secret
        raise TransientError("Upstream data service timed out (simulated)")

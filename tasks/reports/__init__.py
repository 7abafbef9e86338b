"""The kind ``report``: figures, charts and a table made from data, kept as an artifact."""

import random
from typing import Any

from project.celery import app
from project.errors import InvalidField, PermanentError, TransientError
from project.records import MAX_BACKOFF
from project.settings import settings
from tasks.press.orders import Output


@app.task(
    name="report",
    bind=True,
    autoretry_for=(Exception,),
    dont_autoretry_for=(PermanentError, InvalidField),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF,
    retry_jitter=settings().retry_jitter,
)
def generate_report(
    self: Any,
    type: str,  # noqa: A002 - the wire's name
    filters: dict[str, Any],
    format: Output | list[Output] = "pdf",  # noqa: A002 - the same
    archival: bool = False,
) -> dict[str, Any]:
    """Make the report; ``filters`` as ``tasks.press.filters.check`` gave them.

    Returns ``{"report_type": str, "rows_processed": int}``, what ``artifacts.described``
    says about the file, ``rows`` (lines of its table) and ``pages`` of the PDF, if any.
    """
    from tasks.press.process import progress_of
    from tasks.reports import documents

    fail_on_purpose()
    outputs = [format] if isinstance(format, str) else format
    return documents.build(type, filters, outputs, archival=archival, heard=progress_of(self))


def fail_on_purpose() -> None:
    """Fail some attempts when CONTINUO_FAULT_RATE says so, to let retries be watched."""
    if random.random() < settings().fault_rate:  # noqa: S311 - not a secret
        raise TransientError("Upstream data service timed out (simulated)")

"""The kind ``report``: a PDF made from data, kept as an artifact, fetched by a signed link."""

import random
from typing import Any

from project import artifacts
from project.celery import app
from project.errors import InvalidField, PermanentError, TransientError
from project.records import MAX_BACKOFF
from project.settings import settings


@app.task(
    name="report",
    autoretry_for=(Exception,),
    dont_autoretry_for=(PermanentError, InvalidField),
    retry_backoff=2,
    retry_backoff_max=MAX_BACKOFF,
    retry_jitter=settings().retry_jitter,
)
def generate_report(type: str, filters: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - the wire's name
    """Make the report; ``filters`` as ``tasks.reports.filters.check`` gave them.

    Returns ``{"report_type": str, "rows_processed": int}``, what ``artifacts.described``
    says about the file, and ``pages`` and ``rows``.
    """
    from tasks.reports import documents

    fail_on_purpose()
    with artifacts.workshop() as folder:
        document = documents.build(type, filters)
        file = folder / "report.pdf"
        file.write_bytes(document.pdf)
        artifact = artifacts.keep(file, f"{type}-report.pdf")
        about = artifacts.described(artifact, file)
    return {"report_type": type, "rows_processed": document.rows, **about}


def fail_on_purpose() -> None:
    """Fail some attempts when CONTINUO_FAULT_RATE says so, to let retries be watched."""
    if random.random() < settings().fault_rate:  # noqa: S311 - not a secret
        raise TransientError("Upstream data service timed out (simulated)")

"""The record of the job that runs."""

from typing import Any

from project.store.commands import queries


def read_tenant(job: Any) -> str:
    """Return the tenant that owns the running ``job``; "" without one. Asks Redis."""
    if not job.request.id:
        return ""
    record = job.app.store.run(queries.read_record(job.request.id))
    return str(record.tenant or "") if record else ""

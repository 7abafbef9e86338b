"""Whose jobs a caller may see and touch: all, or with a tenant's key those of the tenant."""

from api.http.problems import Problem
from api.http.routing import Request
from project.records.record import TaskRecord
from project.store.commands.queries import RecordFilter


def filter_visible(record: TaskRecord | None, request: Request) -> TaskRecord | None:
    """The record, None when it is none of the caller's."""
    if record is None or (request.tenant and record.tenant != request.tenant):
        return None
    return record


def require_visible(record: TaskRecord | None, job_id: str, request: Request) -> TaskRecord:
    """The record; 404 when there is none or it is another's, and nobody learns which."""
    found = filter_visible(record, request)
    if found is None:
        raise Problem(404, f"There is no job with the id {job_id!r}")
    return found


def restrict_to_tenant(question: RecordFilter, request: Request) -> RecordFilter:
    """The question, about the caller's jobs."""
    return question._replace(tenant=request.tenant) if request.tenant else question

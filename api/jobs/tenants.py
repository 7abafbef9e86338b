"""Whose jobs a caller may see and touch: all, or with a tenant's key those of the tenant."""

from api.http.problems import Problem
from api.http.routing import Request
from project.records.labels import owned_by
from project.records.record import TaskRecord
from project.store.commands.queries import Question


def seen(record: TaskRecord | None, request: Request) -> TaskRecord | None:
    """The record, None when it is none of the caller's."""
    if record is None or (request.tenant and record.tenant != request.tenant):
        return None
    return record


def required(record: TaskRecord | None, job_id: str, request: Request) -> TaskRecord:
    """The record; 404 when there is none or it is another's, and nobody learns which."""
    found = seen(record, request)
    if found is None:
        raise Problem(404, f"There is no job with the id {job_id!r}")
    return found


def own(question: Question, request: Request) -> Question:
    """The question, about the caller's jobs."""
    return question._replace(facets=[*owned_by(request.tenant), *question.facets])

"""Cancel or rerun all jobs that match a filter: by a job, or as a dry run."""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs.filters import TaskFilter
from api.jobs.kinds import ORDER_ROUTE
from api.jobs.orders import JobKind, JobOrder, build_rerun_id, order_job
from api.jobs.records import MAX_RECORDS_PER_PAGE, restrict_to_tenant
from project.celery import app
from project.errors import InvalidField
from project.records.grouping import CONTROL_QUEUE
from project.records.record import RecordPage, TaskRecord, TaskStatus
from project.store.commands import queries
from project.store.commands.queries import RecordFilter
from tasks.control import (
    CANCELLABLE_STATUSES,
    CONTROL_KINDS,
    RETRYABLE_STATUSES,
    cancel_jobs,
    retry_jobs,
)

PATH = "/tasks"
MAX_SAMPLE_JOBS = 10

routes = Router()


class JobFilter(TaskFilter, frozen=True, forbid_unknown_fields=True):
    """The jobs to change; empty means all. The fields are the parameters of ``GET /tasks``."""


class ControlOrder(JobOrder, frozen=True, kw_only=True):
    """The jobs to change. A dry run changes nothing and answers at once."""

    example: ClassVar[dict[str, Any]] = {
        "filter": {"kind": "report", "tag": "evening"},
        "dry_run": True,
    }

    filter: JobFilter
    dry_run: bool = False


class DryRun(msgspec.Struct, frozen=True):
    """The number of jobs that match, and the newest ones.

    A search for ``error`` or ``scheduled`` reads at most 1,000 records and stops after 200 matches.
    Then ``complete`` is false and there may be more.
    """

    matches: int
    complete: bool
    sample: list[TaskRecord]


def build_cancel_options(order: ControlOrder) -> dict[str, Any]:
    """Build the options of ``apply_async`` for an order to cancel jobs."""
    return {"kwargs": build_question(order, CANCELLABLE_STATUSES)._asdict(), "queue": CONTROL_QUEUE}


def build_retry_options(order: ControlOrder) -> dict[str, Any]:
    """Build the options of ``apply_async`` for an order to rerun jobs."""
    return {"kwargs": build_question(order, RETRYABLE_STATUSES)._asdict(), "queue": CONTROL_QUEUE}


def build_question(order: ControlOrder, possible: Sequence[TaskStatus]) -> RecordFilter:
    """Build an order's filter, limited to ``possible`` statuses. Raises ``InvalidField``."""
    status = order.filter.status
    if status and status not in possible:
        raise InvalidField("filter.status", f"must be one of: {', '.join(possible)}")
    statuses = [status] if status else list(possible)
    return order.filter.to_question()._replace(statuses=statuses, except_kinds=CONTROL_KINDS)


def build_status_rules(possible: Sequence[TaskStatus]) -> list[dict[str, Any]]:
    """Build the JSON Schema rule that limits ``filter.status``."""
    status = {"enum": [None, *possible]}
    return [{"properties": {"filter": {"properties": {"status": status}}}}]


class CancelAll(ControlOrder, frozen=True, kw_only=True):
    """The jobs to cancel."""

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """Add the rule that they have not ended."""
        return super().rules() + build_status_rules(CANCELLABLE_STATUSES)


class RetryAll(ControlOrder, frozen=True, kw_only=True):
    """The jobs to rerun."""

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """Add the rule that they failed or were cancelled."""
        return super().rules() + build_status_rules(RETRYABLE_STATUSES)


CANCEL = JobKind(cancel_jobs, PATH, CancelAll, build_cancel_options)
RETRY = JobKind(retry_jobs, PATH, RetryAll, build_retry_options)

CONTROL_ROUTE = ORDER_ROUTE | {"answers": {200: (DryRun, TaskRecord), 202: TaskRecord}}


@routes.post(
    PATH + "/cancel",
    body=CancelAll,
    **CONTROL_ROUTE,
    scope="control",
    summary="Stop all jobs that match a filter",
    description="A job of the kind cancel_jobs does the work; its record shows the progress. Jobs "
    "ordered after it are not changed. With dry_run: 200 and the matching jobs.",
    tags=["tasks"],
)
async def cancel_tasks(request: Request, body: CancelAll) -> Answer:
    """Enqueue the job, or answer a dry run."""
    return await order_or_look(CANCEL, body, request)


@routes.post(
    PATH + "/retry",
    body=RetryAll,
    **CONTROL_ROUTE,
    scope="control",
    summary="Rerun all failed or cancelled jobs that match a filter",
    description="A job of the kind retry_jobs does the work; its record shows the progress. Jobs "
    "ordered after it are not changed. With dry_run: 200 and the matching jobs.",
    tags=["tasks"],
)
async def retry_tasks(request: Request, body: RetryAll) -> Answer:
    """Enqueue the job, or answer a dry run."""
    return await order_or_look(RETRY, body, request)


async def order_or_look(kind: JobKind, order: ControlOrder, request: Request) -> Answer:
    """Enqueue the job; for a dry run answer what it would find."""
    if not order.dry_run:
        return await order_job(kind, request, order, counts=False)
    build_rerun_id(request)  # refuse an invalid idempotency key here, too
    question = restrict_to_tenant(RecordFilter(**kind.build_options(order)["kwargs"]), request)
    limit = MAX_RECORDS_PER_PAGE if question.is_scan else MAX_SAMPLE_JOBS
    page: RecordPage = await app.async_store.run(queries.list_page(question, limit=limit))
    count = len(page.records) if page.total is None else page.total
    complete = page.total is not None or page.next_cursor is None
    return Answer(DryRun(count, complete, page.records[:MAX_SAMPLE_JOBS]))

"""Stop, or run again, all jobs that a filter finds: as a job of its own, or on trial."""

from collections.abc import Sequence
from typing import Any

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs import resource, tenants
from api.jobs.filters import TaskFilter
from api.jobs.order_options import Order, call_name
from project.celery import app
from project.errors import InvalidField
from project.records.labels import CONTROL_QUEUE
from project.records.record import Page, TaskRecord, TaskStatus
from project.store.commands import queries
from project.store.commands.queries import Question
from tasks.control import CAN_CANCEL, CAN_RETRY, cancel_jobs, retry_jobs

PATH = "/tasks"
SAMPLE = 10

routes = Router()


class JobFilter(TaskFilter, frozen=True, forbid_unknown_fields=True):
    """Which jobs are meant; empty, all. The fields are the parameters of ``GET /tasks``."""


class ControlOrder(Order, frozen=True, kw_only=True):
    """Which jobs, and whether only to look: a dry run changes nothing and answers at once."""

    filter: JobFilter
    dry_run: bool = False


class DryRun(msgspec.Struct, frozen=True):
    """What an order would find: how many jobs, and the newest of them.

    It looks at 1,000 records at most when ``error`` is asked for, and stops at 200 that match:
    then ``complete`` is false and there may be more.
    """

    matches: int
    complete: bool
    sample: list[TaskRecord]


def cancel_call(order: ControlOrder) -> dict[str, Any]:
    """What is to be cancelled, for ``apply_async``."""
    return {"kwargs": narrowed(order, CAN_CANCEL)._asdict(), "queue": CONTROL_QUEUE}


def retry_call(order: ControlOrder) -> dict[str, Any]:
    """What is to run again, for ``apply_async``."""
    return {"kwargs": narrowed(order, CAN_RETRY)._asdict(), "queue": CONTROL_QUEUE}


def narrowed(order: ControlOrder, possible: Sequence[TaskStatus]) -> Question:
    """The question of an order, among jobs with whom that can be done. Raises ``InvalidField``."""
    status = order.filter.status
    if status and status not in possible:
        raise InvalidField("filter.status", f"must be one of: {', '.join(possible)}")
    return order.filter.question()._replace(statuses=[status] if status else list(possible))


def among(possible: Sequence[TaskStatus]) -> list[dict[str, Any]]:
    """What JSON Schema is to say of the filter: which statuses it may name."""
    status = {"enum": [None, *possible]}
    return [{"properties": {"filter": {"properties": {"status": status}}}}]


class CancelAll(ControlOrder, frozen=True, kw_only=True):
    """Which jobs are to be stopped."""

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """And they are not final."""
        return super().rules() + among(CAN_CANCEL)


class RetryAll(ControlOrder, frozen=True, kw_only=True):
    """Which jobs are to run again."""

    @classmethod
    def rules(cls) -> list[dict[str, Any]]:
        """And they failed or were cancelled."""
        return super().rules() + among(CAN_RETRY)


CANCEL = resource.Kind(cancel_jobs, PATH, CancelAll, cancel_call)
RETRY = resource.Kind(retry_jobs, PATH, RetryAll, retry_call)

DESCRIBED = resource.ORDER | {"answers": {200: (DryRun, TaskRecord), 202: TaskRecord}}


@routes.post(
    PATH + "/cancel",
    body=CancelAll,
    **DESCRIBED,
    scope="control",
    summary="Stop all jobs that a filter finds",
    description="A job of the kind cancel_jobs does it; its record says how far it is. It leaves "
    "jobs alone that were ordered after it. With dry_run: 200, and what it would find.",
    tags=["tasks"],
)
async def cancel_tasks(request: Request, body: CancelAll) -> Answer:
    """Order it, or look."""
    return await accept(CANCEL, body, request)


@routes.post(
    PATH + "/retry",
    body=RetryAll,
    **DESCRIBED,
    scope="control",
    summary="Run all failed or cancelled jobs again that a filter finds",
    description="A job of the kind retry_jobs does it; its record says how far it is. It leaves "
    "jobs alone that were ordered after it. With dry_run: 200, and what it would find.",
    tags=["tasks"],
)
async def retry_tasks(request: Request, body: RetryAll) -> Answer:
    """Order it, or look."""
    return await accept(RETRY, body, request)


async def accept(kind: resource.Kind, order: ControlOrder, request: Request) -> Answer:
    """The order as any other, or what it would find."""
    if not order.dry_run:
        return await resource.accept(kind, order, request)
    call_name(request)  # a key that is none is refused here, too
    question = tenants.own(Question(**kind.call(order)["kwargs"]), request)
    limit = resource.MOST_ON_A_PAGE if question.is_scan else SAMPLE
    page: Page = await app.async_store.run(queries.page(question, limit=limit))
    count = len(page.records) if page.total is None else page.total
    complete = page.total is not None or page.next_cursor is None
    return Answer(DryRun(count, complete, page.records[:SAMPLE]))

"""Bulk orders as a batch: the valid ones are its jobs, and it is closed then."""

import asyncio
from typing import Any

from api.http.offload import run_apart
from api.http.problems import Problem, problem_from
from api.http.routing import Request
from api.jobs.batch_orders import BatchAbout, build_hooks, check_order, make
from api.jobs.quotas import require_quota
from project.celery import app
from project.errors import InvalidField
from project.records.record import TaskRecord
from project.store.commands.jobs import IdempotentOrder
from project.workflows.batches import name_job
from project.workflows.calls import NodeCall
from project.workflows.nodes import build_node_id


async def order_batch(
    request: Request,
    about: BatchAbout,
    orders: list[dict[str, Any]],
    said: IdempotentOrder | None,
    *,
    is_large: bool,
) -> tuple[list[TaskRecord | Problem], str, bool]:
    """Make a batch of the orders that are valid.

    Returns the record or the problem of each order, the id of the batch ("" if none is valid), and
    whether the same was ordered before. Raises ``Problem`` or ``InvalidField``.
    """
    checked = await run_apart(check_calls, orders, request, said, is_large=is_large)
    hooks = build_hooks(about, request, "batch.")
    calls = [each for each in checked if isinstance(each, NodeCall)]
    if not calls:
        return [each for each in checked if isinstance(each, Problem)], "", False
    await require_quota(request, len(calls))
    made = await make(request, about, hooks, calls, said, closes=True)
    records = iter(await asyncio.gather(*(read_job(made.id, each) for each in calls)))
    found = [next(records) if isinstance(each, NodeCall) else each for each in checked]
    return found, made.id, made.how == "replayed"


def check_calls(
    orders: list[dict[str, Any]], request: Request, said: IdempotentOrder | None
) -> list[NodeCall | Problem]:
    """The call of each order, or what is wrong with it."""
    seed = said.key + said.text if said else ""
    return [check_call(order, name_job(seed, place), request) for place, order in enumerate(orders)]


def check_call(order: dict[str, Any], name: str, request: Request) -> NodeCall | Problem:
    """The call of one order, or what is wrong with it."""
    try:
        return check_order(order, name, request)
    except (Problem, InvalidField) as error:
        return problem_from(error, invalid=422)


async def read_job(batch_id: str, call: NodeCall) -> TaskRecord | Problem:
    """The record of a job of a batch."""
    job_id = build_node_id(batch_id, call.id)
    record: TaskRecord | None = await app.AsyncResult(job_id).afetch()
    return record or Problem(404, f"The job {job_id} is no longer kept")

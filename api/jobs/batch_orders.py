"""Batches as orders: what they say, and how they are made for ``/batches`` and ``/tasks/bulk``."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from api.http.offload import run_apart
from api.http.parsing import convert_order
from api.http.problems import Problem, point_into
from api.http.routing import Request
from api.jobs.kinds import kind_of
from api.jobs.orders import require_same_order
from api.jobs.quotas import note_orders, require_small_order
from api.jobs.workflow_orders import require_scope
from api.jobs.workflows import WorkflowQuery, fetch_page
from project.celery import app
from project.errors import InvalidField
from project.messages.order_fields import Url
from project.store.commands import workflows
from project.store.commands.jobs import IdempotentOrder
from project.store.commands.workflows import CreateResult
from project.workflows.batches import add_jobs, begin_batch, name_job
from project.workflows.book import MAX_DEADLINE_SECONDS, MAX_NAME_CHARACTERS
from project.workflows.calls import NodeCall
from project.workflows.nodes import build_node_id

SMALL_BATCH = 20


class BatchAbout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a batch says beside its jobs.

    When all have ended, one of ``on_success`` and ``on_failure`` is ordered, and ``on_complete`` in
    any case; each has a ``kind`` and the fields of an order of it.
    """

    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=MAX_NAME_CHARACTERS, extra_json_schema={"format": "line"}
        ),
    ]
    on_success: dict[str, Any] | None = None
    on_failure: dict[str, Any] | None = None
    on_complete: dict[str, Any] | None = None
    deadline: Annotated[float, msgspec.Meta(gt=0, le=MAX_DEADLINE_SECONDS)] | None = None
    callback_url: Url | None = None


async def make(
    request: Request,
    about: BatchAbout,
    hooks: Mapping[str, NodeCall],
    calls: Sequence[NodeCall],
    said: IdempotentOrder | None,
    *,
    closes: bool,
) -> CreateResult:
    """Make a batch with its first jobs, or those that an earlier request has not added.

    Raises ``Problem`` 422 when the idempotency key came with another order.
    """
    made = await asyncio.to_thread(
        begin_batch,
        app.workflows.of(request.tenant),
        about.name,
        hooks,
        deadline=about.deadline,
        callback_url=about.callback_url,
        order=said,
    )
    if made.how == "replayed":
        require_same_order(made.order, said)
    page = await fetch_page(request, made.id, WorkflowQuery(limit=0))
    if page.workflow.is_open and (calls or closes):
        await add(request, made.id, calls, closes=closes)
    return made


async def add(request: Request, batch_id: str, calls: Sequence[NodeCall], *, closes: bool) -> None:
    """Add jobs to a batch, and note them for the quota of the caller. Raises ``InvalidField``."""
    book = app.workflows.of(request.tenant)
    await asyncio.to_thread(add_jobs, book, batch_id, calls, closes=closes)
    await note_orders(request, [build_node_id(batch_id, call.id) for call in calls])


def build_hooks(about: BatchAbout, request: Request, under: str = "") -> dict[str, NodeCall]:
    """The jobs for the end of a batch. Raises ``Problem`` or ``InvalidField``."""
    given = {name: getattr(about, name) for name in workflows.HOOKS}
    return {
        name: build_call(order, under + name, name_job(), request)
        for name, order in given.items()
        if order is not None
    }


def pointer_of(field: str) -> str:
    """The JSON pointer of a field: ``jobs[3]`` is ``/jobs/3``."""
    return "".join(f"/{step}" for step in re.findall(r"\w+", field))


async def check_jobs(
    orders: list[dict[str, Any]], request: Request, said: IdempotentOrder | None
) -> list[NodeCall]:
    """The jobs of a batch as calls. Raises ``Problem`` or ``InvalidField``."""
    is_large = len(orders) > SMALL_BATCH
    return await run_apart(build_calls, orders, request, said, is_large=is_large)


def build_calls(
    orders: list[dict[str, Any]], request: Request, said: IdempotentOrder | None
) -> list[NodeCall]:
    """The calls of orders; under an idempotency key, the same order gives the same names.

    Raises ``Problem`` or ``InvalidField``.
    """
    seed = said.key + said.text if said else ""
    return [
        build_call(order, f"jobs[{place}]", name_job(seed, place), request)
        for place, order in enumerate(orders)
    ]


def build_call(order: dict[str, Any], field: str, name: str, request: Request) -> NodeCall:
    """The call of an order in ``field`` of the body. Raises ``Problem`` or ``InvalidField``."""
    try:
        return check_order(order, name, request)
    except InvalidField as problem:
        raise InvalidField(f"{field}.{problem.field}", problem.problem) from None
    except Problem as problem:
        raise point_into(problem, pointer_of(field), field) from None


def check_order(order: dict[str, Any], name: str, request: Request) -> NodeCall:
    """The call of an order with its kind. Raises ``Problem`` or ``InvalidField``."""
    said = {name: value for name, value in order.items() if name != "kind"}
    kind = kind_of(order)
    require_scope(kind, request)
    require_small_order(request, said)
    keeps_decimals = getattr(kind.body, "keeps_decimals", False)
    parsed = convert_order(said, kind.body, keeps_decimals=keeps_decimals)
    options = {**kind.build_options(parsed), **parsed.options()}
    if parsed.unique is not None:
        raise InvalidField("unique", "is not for a job of a batch")
    kwargs = options.pop("kwargs")
    return NodeCall(name, kind.task, kwargs, options, on_failure="skip")

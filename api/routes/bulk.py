"""The route that orders many jobs of any kinds in one request."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec

from api.http.auth import build_forbidden
from api.http.offload import run_apart
from api.http.parsing import convert_order
from api.http.problems import Problem, ProblemDocument, problem_from
from api.http.routing import Answer, Request, Router
from api.jobs.batch_orders import BatchAbout
from api.jobs.kinds import kind_of
from api.jobs.orders import (
    KEY_HEADER,
    REPLAYED,
    REPLAYED_HEADER,
    REQUEST_HEADERS,
    JobKind,
    read_idempotency,
    require_same_order,
)
from api.jobs.quotas import note_orders, require_quota, require_small_order
from api.routes.bulk_batches import order_batch
from project.celery import app
from project.errors import DuplicateJob, InvalidField
from project.job.bulk import MAX_JOBS_PER_STEP
from project.records.record import TaskRecord
from project.settings.api_keys import ANY_KIND, KIND_SCOPE
from project.store.commands.message import Message

PATH = "/tasks/bulk"
NO_KIND = ""
"""Idempotency keys are kept for each kind, and for bulk orders."""

SMALL_BULK = 20
"""So many orders are checked in a few milliseconds."""

routes = Router()


class BulkOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Orders of any kinds; each of ``tasks`` has a ``kind`` and the fields of an order of it.

    With a ``batch``, those that are valid become the jobs of a new batch, which is closed then.
    """

    example: ClassVar[dict[str, Any]] = {
        "tasks": [
            {"kind": "report", "type": "summary"},
            {"kind": "email_blast", "recipients": ["ada@example.com"]},
        ]
    }

    keeps_decimals: ClassVar[bool] = True
    """As in single orders; those of other kinds are converted."""

    tasks: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=MAX_JOBS_PER_STEP)]
    batch: BatchAbout | None = None


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """The outcome of one order: 202 and its record, or the status of its problem.

    With 200 another job has its unique key, and the record is that of the other job.
    """

    status: int
    task: TaskRecord | None = None
    problem: ProblemDocument | None = None


class BulkOutcome(msgspec.Struct, frozen=True):
    """The outcome of each of ``tasks``, in the same order; ``batch`` is the id of a new batch."""

    accepted: int
    refused: int
    tasks: list[Outcome]
    batch: str | msgspec.UnsetType = msgspec.UNSET


@routes.post(
    PATH,
    body=BulkOrder,
    scope=ANY_KIND,
    answers={202: BulkOutcome, 207: BulkOutcome},
    errors=(409, 429, 503),
    request_headers=REQUEST_HEADERS,
    answer_headers={202: REPLAYED, 207: REPLAYED},
    summary="Order up to 1,000 jobs of any kinds",
    description="All valid orders are accepted in one step; the status is 207 if any is invalid.",
    tags=["tasks"],
)
async def order_all(request: Request, body: BulkOrder) -> Answer:
    """Check each order by itself and enqueue the valid ones."""
    is_large = len(body.tasks) > SMALL_BULK
    said = await run_apart(read_idempotency, request, body, NO_KIND, is_large=is_large)
    if body.batch is not None:
        found, batch, is_replayed = await order_batch(
            request, body.batch, body.tasks, said, is_large=is_large
        )
        answer = await answer_outcomes([], found, body, request, batch)
        return mark_replayed(answer) if is_replayed else answer
    checked = await run_apart(check_orders, body, request, is_large=is_large)
    messages = [found for found in checked if isinstance(found, Message)]
    if not messages:
        return await answer_outcomes([], checked, body, request)
    await require_quota(request, len(messages))
    result = await app.aenqueue_all(messages, said)
    if not result.is_replayed:
        made = [each.id for each in result.outcomes if isinstance(each, TaskRecord)]
        await note_orders(request, made)
        return await answer_outcomes(result.outcomes, checked, body, request)
    require_same_order(result.order, said)
    if len(messages) != len(result.outcomes):
        raise Problem(409, f"Other orders of it were valid when this {KEY_HEADER} came first")
    return mark_replayed(await answer_outcomes(result.outcomes, checked, body, request))


def mark_replayed(answer: Answer) -> Answer:
    """The answer to an order that was taken before."""
    answer.headers[REPLAYED_HEADER] = "true"
    return answer


async def answer_outcomes(
    enqueued: list[TaskRecord | DuplicateJob],
    checked: Sequence[Message | TaskRecord | Problem],
    body: BulkOrder,
    request: Request,
    batch: str = "",
) -> Answer:
    """The answer with the outcome of each order; ``enqueued`` are those of the valid ones."""
    left = iter(enqueued)
    found = [next(left) if isinstance(each, Message) else each for each in checked]
    outcomes = [await build_outcome(each, body, request, place) for place, each in enumerate(found)]
    count = sum(outcome.problem is None for outcome in outcomes)
    answer = BulkOutcome(count, len(outcomes) - count, outcomes, batch or msgspec.UNSET)
    return Answer(answer, 202 if count == len(outcomes) else 207)


def check_orders(body: BulkOrder, request: Request) -> list[Message | Problem]:
    """The message of each order, or what is wrong with it."""
    return [check_order(order, request) for order in body.tasks]


def check_order(order: dict[str, Any], request: Request) -> Message | Problem:
    """The message of one order, or what is wrong with it."""
    said = {name: value for name, value in order.items() if name != "kind"}
    try:
        kind = kind_of(order)
        require_scope(kind, request)
        require_small_order(request, said)
        keeps_decimals = getattr(kind.body, "keeps_decimals", False)
        parsed = convert_order(said, kind.body, keeps_decimals=keeps_decimals)
        options = {**kind.build_options(parsed), **parsed.options(), "tenant": request.tenant}
        return kind.task.message(unique=parsed.unique_key(request.tenant), **options)
    except (Problem, InvalidField) as error:
        return problem_from(error, invalid=422)


def require_scope(kind: JobKind, request: Request) -> None:
    """Raise ``Problem`` 403 when the API key may not order jobs of this kind."""
    scope = KIND_SCOPE + kind.task.name
    if not request.api_key.allows(scope):
        raise build_forbidden(scope)


async def build_outcome(
    found: TaskRecord | DuplicateJob | Problem, body: BulkOrder, request: Request, place: int
) -> Outcome:
    """Return the outcome of an order: 202, 200 with the job that has its key, or a problem."""
    if isinstance(found, TaskRecord):
        return Outcome(202, task=found)
    if isinstance(found, Problem):
        return outcome_from_problem(found, request, place)
    if not found.holder:
        raise found  # its id is new
    record: TaskRecord | None = await app.AsyncResult(found.holder).afetch()
    if record and body.tasks[place].get("unique", {}).get("on_conflict") != "reject":
        return Outcome(200, task=record)
    problem = Problem(409, f"Another job has this unique key: {found.holder}")
    return outcome_from_problem(problem, request, place)


def outcome_from_problem(problem: Problem, request: Request, index: int) -> Outcome:
    """Return the outcome of an invalid order; its JSON pointers start at the order."""
    instance = f"{request.path}#/tasks/{index}"
    return Outcome(problem.status, problem=problem.to_document(instance, request.id))

"""The route that orders many jobs of any kinds in one request."""

from typing import Annotated, Any, ClassVar

import msgspec

from api.http.auth import build_forbidden
from api.http.offload import run_apart
from api.http.parsing import convert_order
from api.http.problems import Problem, ProblemDocument, problem_from
from api.http.routing import Answer, Request, Router
from api.jobs.kinds import kind_of
from api.jobs.orders import (
    KEY_HEADER,
    REPLAYED,
    REPLAYED_HEADER,
    REQUEST_HEADERS,
    JobKind,
    JobOrder,
    read_idempotency,
    require_same_order,
)
from project.celery import app
from project.errors import InvalidField
from project.job.bulk import MAX_JOBS_PER_STEP
from project.records.record import TaskRecord
from project.settings.api_keys import ANY_KIND, KIND_SCOPE
from project.store.commands.jobs import BulkResult
from project.store.commands.message import Message, build_first_record

PATH = "/tasks/bulk"
NO_KIND = ""
"""Idempotency keys are kept for each kind, and for bulk orders."""

SMALL_BULK = 20
"""So many orders are checked in a few milliseconds."""

routes = Router()


class BulkOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Orders of any kinds; each of ``tasks`` has a ``kind`` and the fields of an order of it."""

    example: ClassVar[dict[str, Any]] = {
        "tasks": [
            {"kind": "report", "type": "summary"},
            {"kind": "email_blast", "recipients": ["ada@example.com"]},
        ]
    }

    keeps_decimals: ClassVar[bool] = True
    """As in single orders; those of other kinds are converted."""

    tasks: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=MAX_JOBS_PER_STEP)]


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """The outcome of one order: 202 and its record, or the status of its problem."""

    status: int
    task: TaskRecord | None = None
    problem: ProblemDocument | None = None


class BulkOutcome(msgspec.Struct, frozen=True):
    """The outcome of each of ``tasks``, in the same order."""

    accepted: int
    refused: int
    tasks: list[Outcome]


@routes.post(
    PATH,
    body=BulkOrder,
    scope=ANY_KIND,
    answers={202: BulkOutcome, 207: BulkOutcome},
    errors=(409, 503),
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
    checked = await run_apart(check_orders, body, request, is_large=is_large)
    messages = [found for found in checked if isinstance(found, Message)]
    if not messages:
        return answer_outcomes([], checked, request)
    result = await app.aenqueue_all(messages, said)
    if not result.is_replayed:
        return answer_outcomes(list_records(messages, result), checked, request)
    require_same_order(result.order, said)
    if len(messages) != len(result.created_at):
        raise Problem(409, f"Other orders of it were valid when this {KEY_HEADER} came first")
    answer = answer_outcomes(list_records(messages, result), checked, request)
    answer.headers[REPLAYED_HEADER] = "true"
    return answer


def list_records(messages: list[Message], result: BulkResult) -> list[TaskRecord]:
    """The first records of the jobs that were made, now or when the order came first."""
    return [
        build_first_record(message._replace(id=job_id), created_at)
        for message, (job_id, created_at) in zip(messages, result.created_at.items(), strict=True)
    ]


def answer_outcomes(
    records: list[TaskRecord], checked: list[Message | Problem], request: Request
) -> Answer:
    """The answer with the outcome of each order; ``records`` are those of the valid ones."""
    left = iter(records)
    outcomes = [
        Outcome(202, task=next(left))
        if isinstance(found, Message)
        else outcome_from_problem(found, request, place)
        for place, found in enumerate(checked)
    ]
    refused = len(outcomes) - len(records)
    return Answer(BulkOutcome(len(records), refused, outcomes), 207 if refused else 202)


def check_orders(body: BulkOrder, request: Request) -> list[Message | Problem]:
    """The message of each order, or what is wrong with it."""
    return [check_order(order, request) for order in body.tasks]


def check_order(order: dict[str, Any], request: Request) -> Message | Problem:
    """The message of one order, or what is wrong with it."""
    said = {name: value for name, value in order.items() if name != "kind"}
    try:
        kind = kind_of(order)
        require_scope(kind, request)
        keeps_decimals = getattr(kind.body, "keeps_decimals", False)
        parsed = convert_order(said, kind.body, keeps_decimals=keeps_decimals)
        checked = require_no_unique_key(parsed)
        options = {**kind.build_options(checked), **checked.options(), "tenant": request.tenant}
        return kind.task.message(**options)
    except (Problem, InvalidField) as error:
        return problem_from(error, invalid=422)


def require_scope(kind: JobKind, request: Request) -> None:
    """Raise ``Problem`` 403 when the API key may not order jobs of this kind."""
    scope = KIND_SCOPE + kind.task.name
    if not request.api_key.allows(scope):
        raise build_forbidden(scope)


def require_no_unique_key(order: JobOrder) -> JobOrder:
    """Return the order. Raises ``InvalidField`` for a unique key, which needs a step of its own."""
    if order.unique:
        raise InvalidField("unique", "is not supported in bulk; order this job by itself")
    return order


def outcome_from_problem(problem: Problem, request: Request, index: int) -> Outcome:
    """Return the outcome of an invalid order; its JSON pointers start at the order."""
    instance = f"{request.path}#/tasks/{index}"
    return Outcome(problem.status, problem=problem.to_document(instance, request.id))

"""Orders that a schedule repeats: checked as an order is, and turned into a plan."""

from typing import Annotated, Any, ClassVar

import msgspec

from api.http.parsing import convert_decimals, convert_order
from api.http.problems import Problem, point_into
from api.jobs.kinds import kind_of
from api.jobs.placeholders import put_back
from api.jobs.scheduled_workflows import build_workflow_kwargs
from project.errors import InvalidField
from project.payload.conversion import to_json
from project.records.schedule import Plan, Timing
from project.schedules.placeholders import fill_placeholders, has_placeholders
from project.schedules.timing import check_timing, copy_timing
from project.workflows.plans import WORKFLOW_KIND

TIMES = ("delay", "run_at")
REFUSED = {
    "delay": "the schedule says when its jobs run",
    "run_at": "the schedule says when its jobs run",
    "unique": "overlap says what happens while the last job has not ended",
}
"""Fields of an order that a schedule replaces, and why."""


class ScheduleTiming(Timing, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a schedule is due, as a preview takes it."""

    __doc__ = Timing.__doc__
    example: ClassVar[dict[str, Any]] = {"cron": "0 7 1 * *", "zone": "Europe/Berlin"}


class ScheduleOrder(ScheduleTiming, frozen=True, kw_only=True):
    """A schedule. ``order`` has a ``kind`` and the fields of an order of it.

    With the kind ``workflow``, the fields are those of an order of a workflow.

    Texts in the order can have times that follow from the due time, such as
    ``{{ month before due }}``.
    """

    __doc__ = f"{__doc__}\n\n{(Timing.__doc__ or '').strip()}"
    example: ClassVar[dict[str, Any]] = {
        "order": {
            "kind": "report",
            "type": "monthly",
            "filters": {"department": "engineering", "month": "{{ month before due }}"},
            "mail": {"to": ["ada@example.com"], "skip_empty": True},
        },
        "cron": "0 7 1 * *",
        "zone": "Europe/Berlin",
    }
    keeps_decimals: ClassVar[bool] = True
    """As in bulk orders; they are converted."""

    order: Annotated[dict[str, Any], msgspec.Meta(min_length=1)]


def build_plan(body: ScheduleOrder, due: int) -> Plan:
    """The plan of a schedule, checked by the order that it gives at a due time.

    Raises ``Problem`` 422 or ``InvalidField``.
    """
    check_timing(body)
    raw: dict[str, Any] = convert_decimals(body.order)
    try:
        filled = fill_placeholders(raw, due, body.zone)
        if raw.get("kind") == WORKFLOW_KIND:
            options = {"kwargs": build_workflow_kwargs(raw, filled)}
        else:
            options = build_options(filled)
            if has_placeholders(raw):
                options["kwargs"] = put_back(options["kwargs"], raw, filled)
    except InvalidField as error:
        raise InvalidField(f"order.{error.field}", error.problem) from None
    except Problem as problem:
        raise point_into(problem, "/order", "order") from None
    kwargs = options.pop("kwargs")
    plan = Plan(kind=raw["kind"], kwargs=kwargs, options=options, **copy_timing(body))
    return plan if show_order(plan) == raw else msgspec.structs.replace(plan, order=raw)


def build_options(order: dict[str, Any]) -> dict[str, Any]:
    """The options of ``apply_async`` for an order. Raises ``Problem`` or ``InvalidField``."""
    kind = kind_of(order)
    for name, reason in REFUSED.items():
        if name in order:
            raise InvalidField(name, f"is not for a schedule: {reason}")
    fields = {name: value for name, value in order.items() if name != "kind"}
    parsed = convert_order(fields, kind.body, keeps_decimals=False)
    options: dict[str, Any] = to_json({**kind.build_options(parsed), **parsed.options()})
    return options


def show_order(plan: Plan) -> dict[str, Any]:
    """The order of a plan as its body had it, or what is known of it."""
    return plan.order or {"kind": plan.kind, **plan.options, **plan.kwargs}

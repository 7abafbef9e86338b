"""Workflows as JSON: what a job of the kind ``workflow`` is called with, now or by a schedule."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from celery.exceptions import NotRegistered

from project.errors import InvalidField
from project.payload.conversion import to_json
from project.records.workflow import OnFailure
from project.workflows.calls import NodeCall

WORKFLOW_KIND = "workflow"
"""The kind of the jobs that order a workflow and end with it."""


class NodePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A node: the call of a kind, with arguments by name and options of ``apply_async``."""

    id: str
    kind: str
    kwargs: dict[str, Any] = {}
    options: dict[str, Any] = {}
    after: list[str] = []
    on_failure: OnFailure = "stop"
    for_each: dict[str, str] | None = None


def dump_calls(calls: Sequence[NodeCall]) -> list[dict[str, Any]]:
    """The nodes as JSON has them."""
    plans: list[dict[str, Any]] = to_json([plan_of(call) for call in calls])
    return plans


def plan_of(call: NodeCall) -> NodePlan:
    """A node of a call."""
    return NodePlan(
        call.id,
        call.task.name,
        dict(call.kwargs),
        dict(call.options),
        list(call.after),
        call.on_failure,
        call.each,
    )


def load_calls(app: Any, plans: Sequence[NodePlan]) -> list[NodeCall]:
    """The calls of nodes. Raises ``InvalidField`` for a kind that is not known here."""
    return [build_call(app, plan, f"nodes[{place}]") for place, plan in enumerate(plans)]


def build_call(app: Any, plan: NodePlan, field: str) -> NodeCall:
    """The call of a node. Raises ``InvalidField``."""
    try:
        task = app.kind(plan.kind)
    except NotRegistered:
        raise InvalidField(f"{field}.kind", f"{plan.kind!r:.100} is not known here") from None
    options: Mapping[str, Any] = plan.options
    return NodeCall(plan.id, task, plan.kwargs, options, plan.after, plan.on_failure, plan.for_each)

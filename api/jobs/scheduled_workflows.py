"""Workflows that a schedule repeats: the call of the kind ``workflow`` for an order of one."""

from typing import Any

from api.http.parsing import convert_order
from api.jobs.placeholders import put_back
from api.jobs.workflow_orders import WorkflowOrder, build_calls
from project.errors import InvalidField
from project.workflows.nodes import build_nodes
from project.workflows.plans import dump_calls

AS_THEY_ARE = ("name", "deadline", "callback_url")
"""Fields of the order that are arguments of the job."""


def build_workflow_kwargs(raw: dict[str, Any], filled: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the job for an order with placeholders, checked by the filled one.

    Raises ``Problem`` or ``InvalidField``.
    """
    fields = {name: value for name, value in filled.items() if name != "kind"}
    order: WorkflowOrder = convert_order(fields, WorkflowOrder, keeps_decimals=False)
    calls = build_calls(order)
    build_nodes("checked", calls)
    nodes = [
        put_back_node(f"nodes[{place}]", *each)
        for place, each in enumerate(
            zip(dump_calls(calls), raw["nodes"], fields["nodes"], strict=True)
        )
    ]
    return {name: raw[name] for name in AS_THEY_ARE if name in raw} | {"nodes": nodes}


def put_back_node(
    field: str, built: dict[str, Any], raw: dict[str, Any], filled: dict[str, Any]
) -> dict[str, Any]:
    """A node with its placeholders, which were filled to check it. Raises ``InvalidField``."""
    if "run_at" in raw:
        raise InvalidField(f"{field}.run_at", "is not for a schedule, which says when its jobs run")
    raw, filled = dict(raw), dict(filled)
    payload, filled_payload = raw.pop("payload", {}), filled.pop("payload", {})
    try:
        kwargs = put_back(built.get("kwargs", {}), payload, filled_payload)
        options = put_back(built.get("options", {}), raw, filled)
    except InvalidField as problem:
        raise InvalidField(f"{field}.{problem.field}", problem.problem) from None
    return built | {"kwargs": kwargs, "options": options}

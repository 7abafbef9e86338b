"""Orders of schedules: the placeholders in them end up in the arguments of the job."""

from typing import Any

import msgspec
import pytest

import api.app  # noqa: F401 - imports the kinds
from api.http.problems import Problem
from api.jobs.placeholders import put_back
from api.jobs.scheduled_orders import ScheduleOrder, build_plan, show_order
from api.jobs.typed_kinds import build_typed_router
from project.errors import InvalidField

build_typed_router()  # orders know the kinds that have routes

DUE = 1_798_761_600


def plan_of(order: dict[str, Any], **timing: Any) -> Any:
    body = msgspec.convert({"cron": "0 7 1 * *", **timing, "order": order}, ScheduleOrder)
    return build_plan(body, DUE)


def test_an_order_becomes_the_arguments_and_options_of_its_kind() -> None:
    order = {
        "kind": "report",
        "type": "monthly",
        "filters": {"month": "{{ month before due }}"},
        "tags": ["a"],
        "priority": 5,
        "locale": "de-CH",
    }

    plan = plan_of(order)

    assert plan.kwargs["filters"] == {"month": "{{ month before due }}"}
    assert plan.kwargs["region"] == {"locale": "de-CH"}
    assert (plan.options["tags"], plan.options["priority"]) == (["a"], 5)
    assert show_order(plan) == order


def test_an_order_that_its_call_says_in_full_is_not_kept_twice() -> None:
    plan = plan_of({"kind": "report", "type": "summary", "filters": {}, "max_retries": 3})

    assert plan.order is None
    assert show_order(plan) == {
        "kind": "report", "type": "summary", "filters": {}, "max_retries": 3
    }  # fmt: skip


def test_a_placeholder_in_the_payload_of_a_typed_kind_is_put_back() -> None:
    raw = {"kind": "invoice", "month": "{{ month before due }}", "to": ["x"]}
    filled = raw | {"month": "2026-12"}
    payload = {"month": "2026-12", "to": ["x"], "copies": 1}

    for built in (payload, {"invoice": payload}):
        found = put_back(built, raw, filled)
        inner = found.get("invoice", found)
        assert inner == payload | {"month": "{{ month before due }}"}


def test_a_placeholder_in_what_is_not_handed_on_is_refused() -> None:
    with pytest.raises(InvalidField, match="tags: can have no placeholder"):
        plan_of({"kind": "report", "type": "summary", "tags": ["{{ month of due }}"]})


def test_a_workflow_is_checked_and_keeps_its_placeholders() -> None:
    payload = {"type": "monthly", "filters": {"month": "{{ month before due }}"}}
    order = {
        "kind": "workflow",
        "name": "end of {{ month before due }}",
        "nodes": [
            {"id": "a", "kind": "report", "payload": payload, "tags": ["{{ month of due }}"]},
            {"id": "b", "kind": "report", "payload": {"type": "summary"}, "after": ["a"]},
        ],
    }

    plan = plan_of(order)

    first, second = plan.kwargs["nodes"]
    assert plan.kwargs["name"] == "end of {{ month before due }}"
    assert first["kwargs"]["filters"] == {"month": "{{ month before due }}"}
    assert first["options"]["tags"] == ["{{ month of due }}"]
    assert second["after"] == ["a"]
    assert show_order(plan) == order


@pytest.mark.parametrize(
    ("node", "field"),
    [
        ({"id": "a", "kind": "fax"}, "order.nodes[0].kind"),
        ({"id": "a", "kind": "report", "after": ["b"]}, "order.nodes[0].after[0]"),
        ({"id": "a", "kind": "report", "run_at": 1}, "order.nodes[0].run_at"),
        ({"id": "{{ month of due }}", "kind": "report"}, "order.nodes[0].id"),
    ],
    ids=["kind", "graph", "time", "id"],
)
def test_a_wrong_workflow_is_refused_when_the_schedule_is_written(
    node: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidField) as caught:
        plan_of({"kind": "workflow", "name": "wrong", "nodes": [node]})

    assert caught.value.field == field


def test_a_wrong_payload_is_pointed_to_within_the_workflow_of_a_schedule() -> None:
    node = {"id": "a", "kind": "report", "payload": {"typ": 1}}

    with pytest.raises(Problem) as caught:
        plan_of({"kind": "workflow", "name": "wrong", "nodes": [node]})

    assert [each.pointer for each in caught.value.errors] == ["/order/nodes/0/payload/typ"]

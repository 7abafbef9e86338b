"""Orders of schedules: the placeholders in them end up in the arguments of the job."""

from typing import Any

import msgspec
import pytest

import api.app  # noqa: F401 - declares the kinds
from api.jobs.scheduled_orders import ScheduleOrder, build_plan, put_back, show_order
from project.errors import InvalidField

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

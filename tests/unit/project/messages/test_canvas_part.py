"""The place of a job in a canvas, by its message."""

import json
from typing import Any

from project.messages.canvas_part import MAX_PLANNED, find_part

ROOT = {"root_id": "a"}


def call(name: str, **more: Any) -> dict[str, Any]:
    return {"task": "k", "kwargs": {}, "options": {"task_id": name}} | more


def beside(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"subtask_type": "group", "options": {}, "kwargs": {"tasks": list(calls)}}


def plan_of(embedded: dict[str, Any], headers: dict[str, Any] = ROOT) -> dict[str, list[str]]:
    plan = find_part("a", headers, embedded).plan
    return {name: after for name, _, after in json.loads(plan or "[]")}


def test_a_single_job_is_part_of_nothing() -> None:
    assert find_part("a", ROOT, {"chain": None, "chord": None}) == ("", "", "")


def test_a_job_that_another_calls_names_its_root() -> None:
    assert find_part("b", ROOT, {}).root == "a"


def test_the_parts_of_a_group_share_its_name() -> None:
    assert find_part("a", ROOT | {"group": "g"}, {}).begins == "g"


def test_the_rest_of_a_chain_is_read_from_its_end() -> None:
    assert plan_of({"chain": [call("c"), call("b")]}) == {"a": ["b"], "b": ["c"], "c": []}


def test_a_later_job_of_a_canvas_names_only_what_comes_next() -> None:
    chain = [call("z"), call("y")]

    assert plan_of({"chain": chain}, {"root_id": "first"}) == {"a": ["y"], "y": []}


def test_a_chord_stands_between_its_header_and_its_body() -> None:
    chord = call("ignored", subtask_type="chord")
    chord["kwargs"] = {"header": beside(call("b"), call("c")), "body": call("d")}

    planned = plan_of({"chain": [call("e"), chord]})

    assert planned == {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["e"], "e": []}


def test_a_chain_in_a_header_ends_in_the_body() -> None:
    last = call("b")
    last["options"]["chord"] = call("body")

    assert plan_of({"chain": [last]}) == {"a": ["b"], "b": ["body"], "body": []}


def test_a_plan_has_at_most_so_many_jobs() -> None:
    chain = [call(f"n{number}") for number in range(2 * MAX_PLANNED)]

    assert len(plan_of({"chain": chain})) == MAX_PLANNED


def test_calls_without_ids_are_left_out() -> None:
    assert plan_of({"chain": [{"task": "k"}]}) == {"a": []}

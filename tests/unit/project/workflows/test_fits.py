"""Results that never fit where they are put are refused when a workflow is ordered."""

from typing import Any

import pytest

from project.errors import InvalidField
from project.workflows.building import Building, item, result_of, workflow
from project.workflows.nodes import build_nodes
from tests.support.apps import nodes


def build() -> Building:
    return workflow("typed").add("list", nodes.list_customers, count=3)


def check(building: Building) -> None:
    build_nodes("an id", building.calls)


def test_results_that_fit_are_taken() -> None:
    rows = result_of("list", "rows")

    check(
        build()
        .add("each", nodes.invoice, for_each=rows, customer=item())
        .add("one", nodes.invoice, customer=result_of("list", "rows.0"))
        .add("join", nodes.join, parts=result_of("each"))
        .add("some", nodes.join, parts=[result_of("one"), result_of("each", "2"), "x"])
        .add("part", nodes.invoice, for_each=rows, customer={"name": item("name"), "total": 1})
        .add("any", nodes.echo, value=result_of("list", "rows.7.total"))
        .add("unknown", nodes.list_customers, count=result_of("any", "what.ever"))
    )


@pytest.mark.parametrize(
    ("task", "about", "said"),
    [
        (
            nodes.invoice,
            {"customer": result_of("list", "rows")},
            (
                "nodes[1].payload.customer: the result of 'list' at rows is a list, "
                "this field takes an object"
            ),
        ),
        (
            nodes.list_customers,
            {"count": result_of("list")},
            "nodes[1].payload.count: the result of 'list' is an object, this field takes a number",
        ),
        (
            nodes.join,
            {"parts": ["a", result_of("list", "rows.0.total")]},
            (
                "nodes[1].payload.parts[1]: the result of 'list' at rows.0.total is a number, "
                "this field takes a string"
            ),
        ),
        (
            nodes.echo,
            {"value": {"x": result_of("list", "rows.0.nam")}},
            (
                "nodes[1].payload.value.x: the result of 'list' at rows.0 has no 'nam'; "
                "it has name, total"
            ),
        ),
        (
            nodes.echo,
            {"for_each": result_of("list"), "value": item()},
            "nodes[1].for_each: the result of 'list' is an object, a fan-out takes a list",
        ),
        (
            nodes.join,
            {"for_each": result_of("list", "rows"), "parts": item()},
            "nodes[1].payload.parts: the row is an object, this field takes a list",
        ),
        (
            nodes.invoice,
            {"for_each": result_of("list", "rows"), "customer": {"name": item("total")}},
            "nodes[1].payload.name: the row at total is a number, this field takes a string",
        ),
    ],
    ids=["object", "number", "in a list", "no part", "no list", "row", "part of a row"],
)
def test_a_result_that_never_fits_is_refused(task: Any, about: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidField) as caught:
        check(build().add("wrong", task, **about))

    assert str(caught.value) == said


def test_the_result_of_a_fan_out_is_a_list() -> None:
    each = build().add("each", nodes.invoice, for_each=result_of("list", "rows"), customer=item())

    with pytest.raises(InvalidField, match="the result of 'each' is a list, this field takes a nu"):
        check(each.add("wrong", nodes.list_customers, count=result_of("each")))

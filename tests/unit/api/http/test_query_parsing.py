"""Query parameters become the type of the route."""

from typing import Annotated, Literal

import msgspec
import pytest

from api.http.parsing import QueryReader
from api.http.problems import Problem
from project.errors import InvalidField


class Filter(msgspec.Struct, frozen=True):
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    status: Literal["failed", "pending"] | None = None
    newest: bool = False
    page_size: int = msgspec.field(name="page-size", default=1)

    def __post_init__(self) -> None:
        if self.limit == 13:
            raise InvalidField("limit", "not 13")


query = QueryReader(Filter)


def test_a_query_becomes_the_type_of_the_route() -> None:
    found = query.read({"limit": "5", "status": "failed", "newest": "true", "page-size": "2"})
    assert found == Filter(limit=5, status="failed", newest=True, page_size=2)


def catch_query_problem(**parameters: str) -> Problem:
    with pytest.raises(Problem) as refusal:
        query.read(parameters)
    return refusal.value


@pytest.mark.parametrize(
    ("name", "text", "detail"),
    [
        ("limit", "x", "must be an integer, not a text"),
        ("limit", "", "must be an integer, not a text"),
        ("limit", "0", "must be at least 1"),
        ("status", "odd", "'odd' is not allowed; allowed: failed, pending"),
    ],
)
def test_an_invalid_parameter_is_400_and_named(name: str, text: str, detail: str) -> None:
    problem = catch_query_problem(**{name: text})
    assert problem.status == 400
    assert (problem.errors[0].field, problem.errors[0].detail) == (name, detail)


def test_all_invalid_parameters_are_named() -> None:
    problem = catch_query_problem(limit="0", status="odd", newest="true")

    assert [fault.field for fault in problem.errors] == ["limit", "status"]


def test_all_unknown_parameters_are_named_with_the_known_ones() -> None:
    problem = catch_query_problem(zeta="1", limit="5", alpha="2")

    assert problem.status == 400
    assert [fault.field for fault in problem.errors] == ["alpha", "zeta"]
    assert "allowed: limit, newest, page-size, status" in problem.detail


def test_an_invalid_field_raised_by_the_query_type_is_passed_on() -> None:
    with pytest.raises(InvalidField, match="not 13"):
        query.read({"limit": "13"})

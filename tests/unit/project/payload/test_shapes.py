"""Whether values of one type fit places of another, as JSON has them."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pytest
from msgspec import inspect as shapes

from project.payload.shapes import Misfit, follow, require_fit


class Color(StrEnum):
    RED = "red"


class Customer(msgspec.Struct):
    name: str
    total: float = 0.0


@dataclass
class Named:
    name: str


class Numbered(TypedDict):
    name: int
    note: NotRequired[str]


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    total: float = 0.0


class Tree(msgspec.Struct):
    children: list["Tree"]


class Renamed(msgspec.Struct, rename="camel"):
    first_name: str


Month = Annotated[str, msgspec.Meta(pattern="^....-..$", extra_json_schema={"format": "month"})]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (Any, str),
        (str, Any),
        (str, date),
        (date, str),
        (int, float),
        (float, int),
        (Decimal, str),
        (float, Decimal),
        (str | None, str),
        (str, Month),
        (Color, str),
        (str, Literal["a", "b"]),
        (list[int], tuple[int, ...]),
        (list[Any], list[int]),
        (Customer, Named),
        (Named, Customer),
        (dict[str, int], Customer),
        (Customer, dict[str, Any]),
        (Tree, Tree),
        (int | str, str),
    ],
    ids=str,
)
def test_what_may_be_right_fits(given: Any, wanted: Any) -> None:
    require_fit(shapes.type_info(given), shapes.type_info(wanted))


@pytest.mark.parametrize(
    ("given", "wanted", "said"),
    [
        (list[int], str, "is a list, this field takes a string"),
        (str, int, "is a string, this field takes a number"),
        (int, Color, "is a number, this field takes a string"),
        (bool, int, "is true or false, this field takes a number"),
        (None, str, "is null, this field takes a string"),
        (Customer, list[Customer], "is an object, this field takes a list"),
        (int, str | list[str], "is a number, this field takes a list or a string"),
        (list[str], list[int], "has items of which each is a string"),
        (Strict, Named, "has no 'name', which this field needs"),
        (Numbered, Named, "has a 'name' that is a number, this field takes a string"),
        (Customer, Strict, "has 'name', which this field does not take"),
    ],
    ids=str,
)
def test_what_is_never_right_is_told(given: Any, wanted: Any, said: str) -> None:
    with pytest.raises(Misfit, match=said):
        require_fit(shapes.type_info(given), shapes.type_info(wanted))


@pytest.mark.parametrize(
    ("given", "path", "found"),
    [
        (dict[str, list[Customer]], "rows.0.name", shapes.StrType),
        (Customer | None, "total", shapes.FloatType),
        (Numbered, "note", shapes.StrType),
        (Renamed, "firstName", shapes.StrType),
        (Any, "a.b", shapes.AnyType),
        (dict[str, Any] | list[int], "a", shapes.AnyType),
    ],
    ids=str,
)
def test_a_path_is_followed_through_the_types(given: Any, path: str, found: type) -> None:
    assert isinstance(follow(shapes.type_info(given), path.split(".")), found)


@pytest.mark.parametrize(
    ("given", "path", "said"),
    [
        (Customer, "nam", "^has no 'nam'; it has name, total$"),
        (dict[str, list[Customer]], "rows.0.nam", "^at rows.0 has no 'nam'"),
        (dict[str, list[Customer]], "rows.first", "^at rows is a list, whose items have numbers"),
        (Customer, "name.first", "^at name is a string, which has no 'first'$"),
    ],
    ids=str,
)
def test_a_part_that_there_never_is_is_told(given: Any, path: str, said: str) -> None:
    with pytest.raises(Misfit, match=said):
        follow(shapes.type_info(given), path.split("."))

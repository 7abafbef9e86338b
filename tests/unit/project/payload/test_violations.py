from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from project.payload.violations import Violation, parse_violation


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    month: Annotated[str, msgspec.Meta(pattern=r"^\d{4}$")] = "2026"


class Tree(msgspec.Struct, forbid_unknown_fields=True, rename={"slash": "a/b~c"}):
    size: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    leaf: Leaf | None = None
    leaves: list[Leaf] = []
    named: dict[str, Leaf] = {}
    counts: dict[int, int] = {}
    pair: tuple[int, Leaf] = (1, Leaf())
    colour: Colour = Colour.RED
    mode: Literal["fast", "slow"] = "fast"
    slash: int = 0


def of(text: str, shape: Any = Tree) -> Violation:
    with pytest.raises(msgspec.ValidationError) as refusal:
        msgspec.json.decode(text, type=shape)
    return parse_violation(refusal.value, shape)


@pytest.mark.parametrize(
    ("text", "pointer", "detail"),
    [
        ('{"size": 0}', "/size", "must be at least 1"),
        ('{"size": 21}', "/size", "must be at most 20"),
        ('{"size": "x"}', "/size", "must be an integer, not a text"),
        ('{"leaf": {"month": 1}}', "/leaf/month", "must be a text, not an integer"),
        ('{"leaves": [{}, {"month": 1}]}', "/leaves/1/month", "must be a text, not an integer"),
        ('{"pair": [1, {"month": 1}]}', "/pair/1/month", "must be a text, not an integer"),
        ('{"a/b~c": "x"}', "/a~1b~0c", "must be an integer, not a text"),
        ("[]", "", "must be an object, not a list"),
    ],
)
def test_the_pointer_leads_to_the_invalid_value(text: str, pointer: str, detail: str) -> None:
    found = of(text)
    assert (found.pointer, found.detail) == (pointer, detail)


def test_an_unknown_field_is_reported_with_the_known_fields() -> None:
    found = of('{"leaf": {"year": 1}}')
    assert found.pointer == "/leaf/year"
    assert found.detail == "Unknown field year; allowed: month"


def test_an_unknown_field_deep_in_a_list_is_reported_with_the_fields_known_there() -> None:
    assert of('{"leaves": [{"year": 1}]}').detail.endswith("allowed: month")
    assert of('{"pair": [1, {"year": 1}]}').detail.endswith("allowed: month")


def test_the_pointer_leads_to_a_missing_field() -> None:
    class Needy(msgspec.Struct):
        name: str

    found = of("{}", Needy)

    assert (found.pointer, found.detail) == ("/name", "Required field name is missing")


@pytest.mark.parametrize(
    ("text", "allowed"), [('{"colour": "green"}', "red, blue"), ('{"mode": "x"}', "fast, slow")]
)
def test_a_value_outside_a_choice_is_reported_with_the_choices(text: str, allowed: str) -> None:
    assert of(text).detail.endswith(f"allowed: {allowed}")


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"named": {"k": {"month": 1}}}', "/named"),
        ('{"named": {"k": {"year": 1}}}', "/named"),
        ('{"counts": {"x": 1}}', "/counts"),
    ],
)
def test_the_pointer_leads_to_the_mapping_when_the_key_is_unknown(text: str, pointer: str) -> None:
    found = of(text)
    assert found.pointer == pointer
    assert found.detail.endswith("(in one of its entries)")


def test_an_unknown_field_under_a_mapping_is_still_named() -> None:
    assert "Unknown field year; allowed: month" in of('{"named": {"k": {"year": 1}}}').detail

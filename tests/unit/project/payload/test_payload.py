"""What a kind takes and gives follows from the types of its function."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, TypedDict
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from project.celery import app
from project.errors import InvalidField
from project.payload.payload import Payload

type Size = Annotated[int, msgspec.Meta(ge=1, le=9)]


class Colour(Enum):
    RED = "red"


class Part(msgspec.Struct, rename="camel"):
    part_size: Size
    colour: Colour = Colour.RED


@dataclass
class Box:
    parts: list[Part]
    made: datetime


class Label(TypedDict):
    text: str
    bold: NotRequired[bool]


class Model(BaseModel):
    name: str = Field(min_length=2)
    inner: Label


def payload_of(function: Any, **options: Any) -> Payload:
    return Payload(function, **({"is_bound": False, "check": None} | options))


def pack(box: Box) -> Part:
    return box.parts[0]


def mark(labels: list[Label], size: Size = 1, *, kind: Literal["a", "b"] = "a") -> Decimal:
    return Decimal(size)


def model(about: Model) -> Model:
    return about


def anything(value: Any) -> None:
    pass


def test_a_call_is_stored_as_json_and_arrives_as_objects() -> None:
    payload = payload_of(pack)
    box = Box([Part(2)], datetime(2026, 1, 2, tzinfo=UTC))

    stored = payload.dump((box,), {})

    assert stored == {
        "box": {"parts": [{"partSize": 2, "colour": "red"}], "made": "2026-01-02T00:00:00Z"}
    }
    assert payload.load((), stored) == {"box": box}
    assert payload.dump((), stored) == stored
    assert payload.dump_result(Part(3)) == {"partSize": 3, "colour": "red"}


def test_defaults_are_those_of_the_function() -> None:
    payload = payload_of(mark)

    assert payload.dump(([{"text": "a"}],), {}) == {"labels": [{"text": "a"}]}
    assert payload.load(([],), {}) == {"labels": [], "size": 1, "kind": "a"}


def test_the_fields_of_the_only_struct_are_those_of_an_order() -> None:
    assert payload_of(pack).wrapper == "box"
    assert [field.name for field in payload_of(pack).fields] == ["parts", "made"]
    assert payload_of(mark).wrapper == ""
    assert [field.name for field in payload_of(mark).fields] == ["labels", "size", "kind"]
    assert payload_of(anything).wrapper == ""


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "problem"),
    [
        (pack, (), {}, "box: Required field box is missing"),
        (pack, ({"parts": []},), {}, "box.made: Required field made is missing"),
        (
            pack,
            ({"parts": [], "made": "soon"},),
            {},
            "box.made: must be a date and time such as 2026",
        ),
        (mark, ([],), {"labels": []}, "labels: is given twice"),
        (mark, ([], 1, "a", 4), {}, "args: at most 3 are allowed: labels, size, kind"),
        (mark, ([],), {"sise": 1}, "sise: Unknown field sise; allowed: kind, labels, size"),
        (
            mark,
            ([{"bold": 1}, {"text": "a"}, 5], 10),
            {"kind": "c"},
            "labels.0.* labels.2: must be an object, not an integer; size: must be at most 9",
        ),
        (mark, ([{"text": object()}],), {}, "args: a object has no form in JSON"),
        (model, ({"name": "a", "inner": {"text": "b"}},), {}, r"about\.name: String should have"),
    ],
    ids=[
        *("nothing", "no date", "no time", "twice", "too many", "unknown", "several"),
        *("an object", "a model"),
    ],
)
def test_everything_that_is_wrong_is_named(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidField, match=problem):
        payload_of(function).dump(args, kwargs)


def test_pydantic_models_arrive_as_models() -> None:
    payload = payload_of(model)
    about = Model(name="ab", inner={"text": "b"})

    stored = payload.dump((about,), {})

    assert stored == {"about": {"name": "ab", "inner": {"text": "b"}}}
    assert payload.load((), stored) == {"about": about}


def test_a_result_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"result\.partSize: must be at least 1"):
        payload_of(pack).dump_result({"partSize": 0})
    with pytest.raises(InvalidField, match="result: must be null, not an integer"):
        payload_of(anything).dump_result(5)


def test_a_check_sees_objects() -> None:
    def check(box: Box) -> None:
        if not box.parts:
            raise InvalidField("box.parts", "is empty")

    payload = payload_of(pack, check=check)

    with pytest.raises(InvalidField, match=r"box\.parts: is empty"):
        payload.dump((), {"box": {"parts": [], "made": "2026-01-01T00:00:00Z"}})


def untyped(value) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    pass


def variadic(*values: int) -> None:
    pass


def foreign(value: Payload) -> None:
    pass


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (untyped, "untyped: parameter value has no type"),
        (variadic, "parameter values: each parameter of a typed job has a name"),
        (foreign, "parameter value: JSON has no Payload"),
    ],
)
def test_a_function_that_says_too_little_is_refused_when_it_is_declared(
    function: Any, problem: str
) -> None:
    with pytest.raises(TypeError, match=problem):
        payload_of(function)


@app.task(name="tests.typed", typed=True, bind=True)
def typed(self: Any, at: datetime, ids: list[UUID]) -> int:
    """A typed kind that is not offered over HTTP."""
    return len(ids)


def test_every_way_to_call_a_typed_kind_checks_its_types() -> None:
    for call in (
        lambda: typed.delay("now", []),
        lambda: typed.apply_async(("now", []), priority=3),
        lambda: typed.message(("now", [])),
        lambda: typed.s("now", []).apply_async(),
        lambda: typed.apply_async(("now", []), unique="key"),
    ):
        with pytest.raises(InvalidField, match="at: must be a date and time"):
            call()
    assert typed.apply((datetime.now(UTC), [])).get() == 0


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_value_arrives_as_it_was(value: Any) -> None:
    payload = payload_of(anything)

    assert payload.load((), payload.dump((value,), {})) == {"value": value}


class Settings(TypedDict):
    name: str
    bold: NotRequired[bool]


def with_settings(settings: Settings) -> None:
    pass


def count(by_number: dict[int, int], by_colour: dict[Colour, int]) -> None:
    pass


def nested(values: list[Payload]) -> None:
    pass


def test_a_field_that_can_be_left_out_is_left_out() -> None:
    payload = payload_of(with_settings)

    assert payload.dump((), {"settings": {"name": "a"}}) == {"settings": {"name": "a"}}
    assert {field.name: field.is_required for field in payload.fields} == {
        "name": True,
        "bold": False,
    }


def test_the_keys_of_an_object_have_types_too() -> None:
    payload = payload_of(count)
    objects = {"by_number": {1: 2}, "by_colour": {Colour.RED: 3}}

    stored = payload.dump((), objects)

    assert stored == {"by_number": {"1": 2}, "by_colour": {"red": 3}}
    assert payload.load((), stored) == objects
    with pytest.raises(InvalidField, match=r"by_number\.x: the name must be an integer"):
        payload.dump((), {"by_number": {"x": 1}, "by_colour": {}})


@pytest.mark.parametrize("whole", [2, 2.0])
def test_a_whole_number_with_a_point_is_an_integer(whole: float) -> None:
    assert payload_of(mark).load((), {"labels": [], "size": whole})["size"] == 2


def test_an_unknown_field_of_the_order_is_refused_in_python_as_over_http() -> None:
    with pytest.raises(InvalidField, match=r"box\.made_at: Unknown field made_at; allowed: made"):
        payload_of(pack).dump((), {"box": {"parts": [], "made": "2026-01-01", "made_at": 1}})


def test_models_take_no_text_for_a_number() -> None:
    class Amount(BaseModel):
        euros: int

    def pay(amount: Amount) -> None:
        pass

    pay.__annotations__ = {"amount": Amount}

    with pytest.raises(InvalidField, match=r"amount\.euros: Input should be a valid integer"):
        payload_of(pay).dump((), {"amount": {"euros": "5"}})
    assert payload_of(pay).load((), {"amount": {"euros": 5.0}}) == {"amount": Amount(euros=5)}


def test_a_type_inside_a_type_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="parameter values: JSON has no Payload"):
        payload_of(nested)

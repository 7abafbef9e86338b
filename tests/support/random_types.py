"""Types as users write them, with JSON values that fit and values that nearly do."""

from collections.abc import Callable
from dataclasses import field, make_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from inspect import Parameter, Signature
from itertools import count
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from pydantic import ConfigDict, Field, create_model

NUMBERS = count()
NAMES = ("alpha", "beta", "gammaRay")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(Enum):
    LOW = 1
    HIGH = 5


class Shape(NamedTuple):
    """A type and the JSON values that fit. ``for_models``: pydantic knows it, too."""

    type: Any
    values: st.SearchStrategy[Any]
    for_models: bool = True
    is_key: bool = False
    is_object: bool = False


TEXTS = st.text(st.sampled_from("aAzZ09 -_é\n"), max_size=4)
WHOLE = st.integers(-3, 12) | st.integers(-3, 12).map(float)
NUMBERS_WITH_POINT = st.integers(-3, 12) | st.floats(-10, 10).map(lambda number: round(number, 3))
DATES = st.dates(date(1, 1, 2), date(9999, 12, 30)).map(str)
TIMES = st.times().map(lambda moment: moment.isoformat())
ZONES = st.sampled_from(["Z", "z", "+01:00", "-0330", "+23:59"])
MOMENTS = st.tuples(DATES, st.sampled_from("Tt "), TIMES).map("".join)
DURATIONS = st.sampled_from(["P1D", "-P2DT3H", "PT1.5S", "p1dt1h2m3s", "PT5M", "+PT0.25H"])
DECIMALS = st.sampled_from(["1.50", "-3", ".5", "7.", "1e5", "-Infinity", 4, 2.5])
UUIDS = st.uuids().map(str) | st.uuids().map(lambda number: number.hex.upper())

LEAVES = [
    Shape(int, WHOLE),
    Shape(Annotated[int, msgspec.Meta(ge=1, le=9)], WHOLE, for_models=False),
    Shape(Annotated[int, msgspec.Meta(gt=0, multiple_of=3)], WHOLE, for_models=False),
    Shape(Annotated[int, Field(ge=1, lt=9)], WHOLE),
    Shape(float, NUMBERS_WITH_POINT),
    Shape(Annotated[float, msgspec.Meta(gt=0, lt=9)], NUMBERS_WITH_POINT, for_models=False),
    Shape(int | float, NUMBERS_WITH_POINT),
    Shape(str, TEXTS, is_key=True),
    Shape(Annotated[str, msgspec.Meta(min_length=1, max_length=3)], TEXTS, for_models=False),
    Shape(Annotated[str, msgspec.Meta(pattern="^[aA0]+$")], TEXTS, for_models=False, is_key=True),
    Shape(Annotated[str, Field(min_length=2)], TEXTS),
    Shape(bool, st.booleans()),
    Shape(Any, WHOLE | TEXTS | st.none()),
    Shape(Literal["a", "b"], st.sampled_from("ab"), is_key=True),
    Shape(Literal[1, 2], st.sampled_from([1, 2, 2.0]), for_models=False),
    Shape(Literal["a"] | None, st.sampled_from(["a", None])),
    Shape(Colour, st.sampled_from(["red", "blue"]), is_key=True),
    Shape(Level, st.sampled_from([1, 5, 5.0]), for_models=False),
    Shape(datetime, MOMENTS | st.tuples(MOMENTS, ZONES).map("".join), for_models=False),
    Shape(
        Annotated[datetime, msgspec.Meta(tz=True)],
        st.tuples(MOMENTS, ZONES).map("".join),
        for_models=False,
    ),
    Shape(date, DATES, is_key=True),
    Shape(time, TIMES | st.tuples(TIMES, ZONES).map("".join), for_models=False),
    Shape(timedelta, DURATIONS, for_models=False),
    Shape(UUID, UUIDS, is_key=True),
    Shape(Decimal, DECIMALS, for_models=False),
    Shape(int | str, WHOLE | TEXTS),
    Shape(int | bool | None, WHOLE | st.booleans() | st.none()),
]
"""pydantic reads numbers, times and decimals in further forms: msgspec's are tried."""

KEYS = [*(leaf for leaf in LEAVES if leaf.is_key), Shape(int, st.integers(-3, 12).map(str))]


def list_containers(inner: Shape) -> list[Shape]:
    """Lists, sets, tuples and the like of a type."""
    kept = inner.for_models
    lists = st.lists(inner.values, max_size=3)
    levels = st.lists(st.sampled_from([1, 5, None]), max_size=3)
    both = st.tuples(inner.values, WHOLE).map(list)
    return [
        Shape(list[inner.type], lists, kept),
        Shape(Annotated[list[inner.type], msgspec.Meta(max_length=2)], lists, for_models=False),
        Shape(tuple[inner.type, int], both, for_models=False),
        Shape(tuple[inner.type, ...], lists, for_models=False),
        Shape(inner.type | None, inner.values | st.none(), kept),
        Shape(set[Level | None], levels, for_models=False),
    ]


@st.composite
def draw_mapping(draw: Callable[..., Any], shapes: st.SearchStrategy[Shape]) -> Shape:
    key, inner = draw(st.sampled_from(KEYS)), draw(shapes)
    items = st.dictionaries(key.values, inner.values, max_size=3)
    return Shape(dict[key.type, inner.type], items, for_models=False)


@st.composite
def draw_object(draw: Callable[..., Any], shapes: st.SearchStrategy[Shape]) -> Shape:
    """A struct, a dataclass, a ``TypedDict`` or a model of one to three fields."""
    names = NAMES[: draw(st.integers(1, 3))]
    fields = {name: draw(shapes) for name in names}
    optional = {name for name in names if draw(st.booleans())}
    build = draw(st.sampled_from([build_struct, build_class, build_dict, build_model]))
    if build is build_model and not all(each.for_models for each in fields.values()):
        build = build_struct
    values = st.fixed_dictionaries(
        {name: each.values for name, each in fields.items() if name not in optional},
        optional={name: fields[name].values for name in optional},
    )
    name = f"Type{next(NUMBERS)}"
    shape = build(name, {key: each.type for key, each in fields.items()}, optional, draw)
    is_model = build is build_model
    return Shape(shape, values, for_models=is_model, is_object=not is_model)


def build_struct(name: str, types: dict[str, Any], optional: set[str], draw: Any) -> Any:
    required = [(key, shape) for key, shape in types.items() if key not in optional]
    others = [(key, shape | None, None) for key, shape in types.items() if key in optional]
    return msgspec.defstruct(
        name,
        [*required, *others],
        forbid_unknown_fields=draw(st.booleans()),
        kw_only=True,
        rename=draw(st.sampled_from([None, {names: names for names in types}])),
    )


def build_class(name: str, types: dict[str, Any], optional: set[str], draw: Any) -> Any:
    required = [(key, shape) for key, shape in types.items() if key not in optional]
    others = [
        (key, shape | None, field(default=None)) for key, shape in types.items() if key in optional
    ]
    return make_dataclass(name, [*required, *others])


def build_dict(name: str, types: dict[str, Any], optional: set[str], draw: Any) -> Any:
    shapes = {key: NotRequired[shape] if key in optional else shape for key, shape in types.items()}
    return TypedDict(name, shapes)  # type: ignore[operator]


def build_model(name: str, types: dict[str, Any], optional: set[str], draw: Any) -> Any:
    fields = {
        key: (shape | None, None) if key in optional else (shape, ...)
        for key, shape in types.items()
    }
    extra = draw(st.sampled_from(["ignore", "forbid"]))
    return create_model(name, __config__=ConfigDict(extra=extra), **fields)


@st.composite
def draw_container(draw: Callable[..., Any], shapes: st.SearchStrategy[Shape]) -> Shape:
    return draw(st.sampled_from(list_containers(draw(shapes))))


def extend(shapes: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    return draw_container(shapes) | draw_mapping(shapes) | draw_object(shapes)


SHAPES = st.recursive(st.sampled_from(LEAVES), extend, max_leaves=5)


class Function(NamedTuple):
    """A function with typed parameters, and the strategy of its arguments by name."""

    call: Callable[..., Any]
    arguments: st.SearchStrategy[dict[str, Any]]


@st.composite
def draw_function(draw: Callable[..., Any]) -> Function:
    """A function of one object, or of one to three parameters with and without defaults."""
    if draw(st.integers(0, 2)):
        only = draw(draw_object(SHAPES))
        return build_function({"order": only}, {})
    shapes = {name: draw(SHAPES) for name in NAMES[: draw(st.integers(1, 3))]}
    defaults: dict[str, Any] = {}
    for name, shape in shapes.items():
        if draw(st.booleans()):
            shapes[name] = shape._replace(type=shape.type | None)
            defaults[name] = None
    return build_function(shapes, defaults)


def build_function(shapes: dict[str, Shape], defaults: dict[str, Any]) -> Function:
    def call(**arguments: Any) -> None: ...

    kind = Parameter.KEYWORD_ONLY
    call.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(name, kind, default=defaults.get(name, Parameter.empty))
            for name in shapes
            if name not in defaults
        ]
        + [Parameter(name, kind, default=defaults[name]) for name in defaults]
    )
    call.__annotations__ = {name: shape.type for name, shape in shapes.items()}
    values = st.fixed_dictionaries(
        {name: shape.values for name, shape in shapes.items() if name not in defaults},
        optional={name: shapes[name].values for name in defaults},
    )
    return Function(call, values)


WRONG = st.sampled_from(
    [
        *(None, True, 0, 1, 10, 2.5, "", "soon", "10", [], {}, [1, "a"], {"alpha": 1}),
        *({"x": None}, "2026-13-01", "2026-01-02", "25:00:00", "12:00:00", "P1W", "1_0", "a-b"),
    ]
)


@st.composite
def draw_near_value(draw: Callable[..., Any], value: Any) -> Any:
    """A value with one part replaced, left out or added."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(value)))
        return value | {key: draw(draw_near_value(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], draw(draw_near_value(value[place])), *value[place + 1 :]]
    if isinstance(value, dict) and draw(st.booleans()):
        name = draw(st.sampled_from([*sorted(value), "extra"]))
        rest = {key: inner for key, inner in value.items() if key != name}
        return rest if name in value else rest | {name: 1}
    if isinstance(value, list) and draw(st.booleans()):
        return [*value, *value, draw(WRONG)]
    return draw(WRONG)

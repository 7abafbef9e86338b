"""Types as JSON has them: what a part of a value is, and whether a value fits a place. Pure.

What a type does not say fits: a problem is found only in what can never be right.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import inspect as shapes

MAX_DEPTH = 8
"""Types can contain themselves."""

MAX_SHOWN_NAMES = 10

OBJECTS = (shapes.StructType, shapes.DataclassType, shapes.TypedDictType)
LISTS = (
    *(shapes.ListType, shapes.SetType, shapes.FrozenSetType, shapes.VarTupleType),
    *(shapes.TupleType, shapes.NamedTupleType),
)
TEXTS = (
    *(shapes.StrType, shapes.BytesType, shapes.ByteArrayType, shapes.MemoryViewType),
    *(shapes.DateTimeType, shapes.DateType, shapes.TimeType, shapes.UUIDType),
)
KINDS: dict[type, frozenset[str]] = {
    **dict.fromkeys(TEXTS, frozenset({"a string"})),
    **dict.fromkeys(LISTS, frozenset({"a list"})),
    **dict.fromkeys((*OBJECTS, shapes.DictType), frozenset({"an object"})),
    **dict.fromkeys((shapes.IntType, shapes.FloatType), frozenset({"a number"})),
    **dict.fromkeys(
        (shapes.DecimalType, shapes.TimeDeltaType), frozenset({"a string", "a number"})
    ),
    shapes.BoolType: frozenset({"true or false"}),
    shapes.NoneType: frozenset({"null"}),
}
"""What JSON has for the types of one sort."""

ANY = shapes.AnyType()
LIST = frozenset({"a list"})
OBJECT = frozenset({"an object"})


class Misfit(Exception):
    """A value that never fits; its text begins with a verb."""


def strip(shape: shapes.Type) -> shapes.Type:
    """A type without what is said about it, and without null beside one other type."""
    while isinstance(shape, shapes.Metadata):
        shape = shape.type
    if isinstance(shape, shapes.UnionType):
        others = [each for each in shape.types if not isinstance(each, shapes.NoneType)]
        if len(others) == 1:
            return strip(others[0])
    return shape


def name_kinds(shape: shapes.Type) -> frozenset[str] | None:
    """What JSON has for a type; None when that is not known."""
    shape = strip(shape)
    if isinstance(shape, shapes.UnionType):
        found = [name_kinds(each) for each in shape.types]
        known = [each for each in found if each is not None]
        return frozenset[str]().union(*known) if len(known) == len(found) else None
    if isinstance(shape, shapes.LiteralType):
        return frozenset(map(name_value, shape.values))
    if isinstance(shape, shapes.EnumType):
        return frozenset(name_value(each.value) for each in shape.cls)
    if getattr(shape, "array_like", False):
        return frozenset({"a list"})
    return KINDS.get(type(shape))


def name_value(value: Any) -> str:
    """What JSON has for the value of a literal."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    return "a string" if isinstance(value, str) else "a number"


def follow(shape: shapes.Type, path: Sequence[str]) -> shapes.Type:
    """The type of a part of a value. Raises ``Misfit`` when the value never has it."""
    for place, step in enumerate(path):
        shape = pick(strip(shape), step, ".".join(path[:place]))
    return strip(shape)


def pick(shape: shapes.Type, step: str, where: str) -> shapes.Type:
    """The type of a member or an item. Raises ``Misfit``."""
    kinds = name_kinds(shape)
    at = f" at {where}" if where else ""
    if isinstance(shape, shapes.DictType):
        return shape.value_type
    if isinstance(shape, OBJECTS) and kinds == OBJECT:
        fields = {each.encode_name: each.type for each in shape.fields}
        if step == getattr(shape, "tag_field", None):
            return ANY
        if step not in fields:
            shown = ", ".join(list(fields)[:MAX_SHOWN_NAMES]) or "nothing"
            raise Misfit(f"{at} has no {step!r}; it has {shown}".strip())
        return fields[step]
    if kinds == LIST and not (step.isascii() and step.isdigit()):
        raise Misfit(f"{at} is a list, whose items have numbers, not {step!r}".strip())
    if kinds is not None and not kinds & (LIST | OBJECT):
        raise Misfit(f"{at} is {join(kinds)}, which has no {step!r}".strip())
    return find_item(shape)


def find_item(shape: shapes.Type) -> shapes.Type:
    """The type of the items of a list, as far as it is known."""
    return getattr(strip(shape), "item_type", ANY)


def require_fit(given: shapes.Type, wanted: shapes.Type, depth: int = 0) -> None:
    """Raise ``Misfit`` when a value of one type never fits a place of another."""
    given, wanted = strip(given), strip(wanted)
    has, takes = name_kinds(given), name_kinds(wanted)
    if has is None or takes is None or depth == MAX_DEPTH:
        return
    if not ((has - {"null"}) or has) & takes:
        raise Misfit(f"is {join(has)}, this field takes {join(takes)}")
    if has == takes == LIST:
        for problem in find_misfits(find_item(given), find_item(wanted), depth):
            raise Misfit(f"has items of which each {problem}")
    if isinstance(given, OBJECTS) and isinstance(wanted, OBJECTS):
        require_fields(given, wanted, depth)


def require_fields(given: Any, wanted: Any, depth: int) -> None:
    """The same for the fields of an object."""
    there = {each.encode_name: each for each in given.fields}
    known = {each.encode_name: each for each in wanted.fields}
    for name, field in known.items():
        if name not in there and field.required:
            raise Misfit(f"has no {name!r}, which this field needs")
        if name in there:
            for problem in find_misfits(there[name].type, field.type, depth):
                raise Misfit(f"has a {name!r} that {problem}")
    if getattr(wanted, "forbid_unknown_fields", False):
        sure = [name for name, field in there.items() if field.required]
        if more := [name for name in sure if name not in known]:
            raise Misfit(f"has {more[0]!r}, which this field does not take")


def find_misfits(given: shapes.Type, wanted: shapes.Type, depth: int) -> Iterator[str]:
    """What does not fit, if anything."""
    try:
        require_fit(given, wanted, depth + 1)
    except Misfit as misfit:
        yield str(misfit)


def join(kinds: frozenset[str]) -> str:
    """Kinds in a sentence."""
    return " or ".join(sorted(kinds))

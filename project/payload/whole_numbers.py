"""Whole numbers that are written with a point: JSON Schema calls 3.0 an integer."""

from decimal import Decimal
from typing import Any

from msgspec import inspect

MAX_WHOLE = 1 << 63
"""1E+99999999 would fill the memory as an integer."""


def convert_whole_floats(value: Any, node: inspect.Type) -> Any:
    """Convert whole floats to integers where the type wants integers, and nowhere else.

    Returns the same object when there are none.
    """
    if isinstance(node, inspect.Metadata):
        return convert_whole_floats(value, node.type)
    if isinstance(value, float | Decimal):
        return int(value) if is_whole(value) and wants_integer(node) else value
    parts = node.types if isinstance(node, inspect.UnionType) else (node,)
    for part in parts:
        value = convert_inside(value, strip_metadata(part))
    return value


def convert_all_whole_floats(value: Any) -> Any:
    """Convert every whole float in a value to an integer."""
    if isinstance(value, dict):
        return {name: convert_all_whole_floats(item) for name, item in value.items()}
    if isinstance(value, list):
        return [convert_all_whole_floats(item) for item in value]
    return int(value) if isinstance(value, float | Decimal) and is_whole(value) else value


def is_whole(value: float | Decimal) -> bool:
    """Whether a number is an integer that fits into the memory."""
    return -MAX_WHOLE < value < MAX_WHOLE and value == int(value)


def wants_integer(node: inspect.Type) -> bool:
    """Whether integers are allowed, and other numbers are not."""
    parts = node.types if isinstance(node, inspect.UnionType) else (node,)
    bare = [strip_metadata(part) for part in parts]
    if any(isinstance(part, inspect.FloatType | inspect.AnyType) for part in bare):
        return False
    return any(has_integers(part) for part in bare)


def has_integers(node: inspect.Type) -> bool:
    """Whether an integer is among the values of a type."""
    if isinstance(node, inspect.LiteralType):
        return any(isinstance(value, int) for value in node.values)
    if isinstance(node, inspect.EnumType):
        return any(isinstance(member.value, int) for member in node.cls)
    return isinstance(node, inspect.IntType)


def strip_metadata(node: inspect.Type) -> inspect.Type:
    """A type without what ``Annotated`` adds."""
    return strip_metadata(node.type) if isinstance(node, inspect.Metadata) else node


def convert_inside(value: Any, node: inspect.Type) -> Any:
    """A list or an object with its items converted, each by its own type."""
    if isinstance(value, list):
        return convert_items(value, node)
    if not isinstance(value, dict):
        return value
    if isinstance(node, inspect.DictType):
        return {name: convert_whole_floats(item, node.value_type) for name, item in value.items()}
    if isinstance(node, inspect.StructType | inspect.DataclassType | inspect.TypedDictType):
        types = {field.encode_name: field.type for field in node.fields}
        return {
            name: convert_whole_floats(item, types[name]) if name in types else item
            for name, item in value.items()
        }
    return value


def convert_items(value: list[Any], node: inspect.Type) -> list[Any]:
    """A list with its items converted."""
    if isinstance(node, inspect.CollectionType):
        return [convert_whole_floats(item, node.item_type) for item in value]
    types: list[inspect.Type] = []
    if isinstance(node, inspect.TupleType):
        types = list(node.item_types)
    if isinstance(node, inspect.NamedTupleType) or (
        isinstance(node, inspect.StructType) and node.array_like
    ):
        types = [field.type for field in node.fields]
    rest = value[len(types) :]
    return [
        *(convert_whole_floats(item, each) for item, each in zip(value, types, strict=False)),
        *rest,
    ]

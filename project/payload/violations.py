"""Precise validation errors: which value is wrong, and what is allowed in its place.

msgspec stops at the first wrong value and describes it in a text such as
``Expected `int` >= 1 - at `$.max_retries` ``. This module parses the text, and reads from the type
what the text leaves out: the allowed names or values. ``find_violations`` looks at each part by
itself to find the others.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from types import UnionType
from typing import Annotated, Any, NamedTuple, TypeAliasType, Union, get_args, get_origin

import msgspec
from msgspec import inspect

from project.errors import InvalidField
from project.payload.conversion import convert
from project.payload.fields import list_fields, read_object
from project.payload.models import find_faults, is_model
from project.payload.words import explain

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
MAX_VIOLATIONS = 100
"""The number of wrong values that an answer names."""

_ANY_STEP = "..."
"""msgspec's notation for any key of a mapping."""


class Violation(NamedTuple):
    """One wrong value: the path to it (names and indexes) and what is wrong."""

    path: tuple[str, ...]
    detail: str

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer (RFC 6901)."""
        return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in self.path)


def parse_violation(error: msgspec.ValidationError, shape: Any) -> Violation:
    """Parse the error of a value that is not a ``shape``."""
    match = _MESSAGE.fullmatch(str(error))
    if match is None:
        return Violation((), str(error))
    path = tuple(_parse_steps(match["path"] or ""))
    name, detail = _explain(match["what"], shape, path)
    if match["key"] or _ANY_STEP in path:
        return Violation(_known_prefix_of(path), f"{detail} (in one of its entries)")
    return Violation((*path, *name), detail)


def find_violations(value: Any, shape: Any) -> list[Violation]:
    """All wrong values in a parsed JSON value that is not a ``shape``, at most ``MAX_VIOLATIONS``.

    Rules of a type beyond its fields (``__post_init__``) are looked at when all fields are right.
    """
    return list(islice(_walk(value, shape, ()), MAX_VIOLATIONS))


def _walk(value: Any, shape: Any, path: tuple[str, ...]) -> Iterator[Violation]:
    try:
        convert(value, shape)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, InvalidField):
            return
        inner = list(islice(_walk_parts(value, shape, path), MAX_VIOLATIONS))
        first = parse_violation(error, shape)
        yield from inner or [Violation((*path, *first.path), first.detail)]


def _walk_parts(value: Any, shape: Any, path: tuple[str, ...]) -> Iterator[Violation]:
    parts = _list_parts(shape)
    if isinstance(value, list):
        yield from _walk_items(value, parts, path)
    elif isinstance(value, dict):
        for part in _choose_objects(value, parts):
            yield from _walk_fields(value, part, path)
        for part in parts:
            if get_origin(part) is dict:
                yield from _walk_entries(value, part, path)
    for part in parts:
        if is_model(part) and value is not None:
            yield from (
                Violation((*path, *where), what) for where, what in find_faults(part, value)
            )


def _walk_items(value: list[Any], parts: list[Any], path: tuple[str, ...]) -> Iterator[Violation]:
    (items,) = {_item_types(part, len(value)) for part in parts if _is_list(part)} or {()}
    for place, (each, item) in enumerate(zip(value, items or (), strict=False)):
        yield from _walk(each, item, (*path, str(place)))


def _item_types(shape: Any, count: int) -> tuple[Any, ...]:
    """The types of so many items; none for a tuple of another length."""
    arguments = get_args(shape)
    if get_origin(shape) is not tuple or arguments[-1:] == (...,):
        return arguments[:1] * count
    return arguments if len(arguments) == count else ()


def _is_list(shape: Any) -> bool:
    origin = get_origin(shape)
    return (
        isinstance(origin, type) and issubclass(origin, Collection) and not issubclass(origin, dict)
    )


def _walk_entries(value: dict[str, Any], shape: Any, path: tuple[str, ...]) -> Iterator[Violation]:
    key_shape, item = get_args(shape)
    for key, each in value.items():
        if not _fits({key: None}, dict[key_shape, Any]):  # type: ignore[valid-type]
            for wrong in _walk(key, key_shape, (*path, key)):
                yield wrong._replace(detail=f"the name {wrong.detail}")
        yield from _walk(each, item, (*path, key))


def _fits(value: Any, shape: Any) -> bool:
    try:
        convert(value, shape)
    except msgspec.ValidationError:
        return False
    return True


def _walk_fields(value: dict[str, Any], shape: Any, path: tuple[str, ...]) -> Iterator[Violation]:
    fields = {field.encode_name: field for field in list_fields(shape)}
    tag = getattr(read_object(shape), "tag_field", None)
    if getattr(read_object(shape), "forbid_unknown_fields", False):
        allowed = ", ".join(sorted(fields))
        for name in value:
            if name not in fields and name != tag:
                yield Violation((*path, name), f"Unknown field {name}; allowed: {allowed}")
    for name, field in fields.items():
        if name in value:
            yield from _walk(value[name], field.type, (*path, name))
        elif field.is_required:
            yield Violation((*path, name), f"Required field {name} is missing")


def _choose_objects(value: dict[str, Any], parts: list[Any]) -> list[Any]:
    """The one type with fields that an object should be; none when its tag is of no type."""
    nodes = [(part, node) for part in parts if (node := read_object(part)) is not None]
    if len(nodes) == 1:
        return [nodes[0][0]]
    return [
        part
        for part, node in nodes
        if isinstance(node, inspect.StructType) and value.get(node.tag_field or "") == node.tag
    ]


def _list_parts(shape: Any) -> list[Any]:
    """The types that a value may have: without aliases and annotations, of a union each."""
    if isinstance(shape, TypeAliasType):
        return _list_parts(shape.__value__)
    if get_origin(shape) is Annotated:
        return _list_parts(get_args(shape)[0])
    if get_origin(shape) in {Union, UnionType}:
        return [part for each in get_args(shape) for part in _list_parts(each)]
    return [shape]


def _explain(what: str, shape: Any, path: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The name to append to the path, if any, and the detail."""
    if unknown := _UNKNOWN.fullmatch(what):
        return (
            unknown.groups(),
            f"Unknown field {unknown[1]}; allowed: {_format_field_names(shape, path)}",
        )
    if missing := _MISSING.fullmatch(what):
        return missing.groups(), f"Required field {missing[1]} is missing"
    if what.startswith("Invalid enum value"):
        return (), f"{explain(what)}; allowed: {_format_allowed_values(shape, path)}"
    return (), explain(what)


def _parse_steps(path: str) -> Iterator[str]:
    return (name or index for name, index in _STEP.findall(path))


def _known_prefix_of(path: tuple[str, ...]) -> tuple[str, ...]:
    return path[: path.index(_ANY_STEP)] if _ANY_STEP in path else path


def _format_field_names(shape: Any, path: tuple[str, ...]) -> str:
    structs = (node for node in _find_types(shape, path) if isinstance(node, inspect.StructType))
    return ", ".join(sorted({field.encode_name for node in structs for field in node.fields}))


def _format_allowed_values(shape: Any, path: tuple[str, ...]) -> str:
    return ", ".join(str(value) for node in _find_types(shape, path) for value in _choices_of(node))


def _choices_of(node: inspect.Type) -> Iterable[Any]:
    if isinstance(node, inspect.EnumType):
        return [member.value for member in node.cls]
    if isinstance(node, inspect.LiteralType):
        return node.values
    return ()


def _find_types(shape: Any, path: tuple[str, ...]) -> list[inspect.Type]:
    nodes = list(_flatten(inspect.type_info(shape)))
    for step in path:
        nodes = [
            inner
            for node in nodes
            for child in _child_types_of(node, step)
            for inner in _flatten(child)
        ]
    return nodes


def _flatten(node: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(node, inspect.Metadata):
        yield from _flatten(node.type)
    elif isinstance(node, inspect.UnionType):
        for option in node.types:
            yield from _flatten(option)
    else:
        yield node


def _child_types_of(node: inspect.Type, step: str) -> list[inspect.Type]:
    if isinstance(node, inspect.StructType):
        return [field.type for field in node.fields if field.encode_name == step]
    if isinstance(node, inspect.TupleType):
        return [node.item_types[int(step)]]
    if isinstance(node, inspect.DictType):
        return [node.value_type]
    return [node.item_type] if isinstance(node, inspect.CollectionType) else []

"""Precise validation errors: which value is wrong, and what is allowed in its place.

msgspec stops at the first wrong value and describes it in a text such as
``Expected `int` >= 1 - at `$.max_retries` ``. This module parses the text, and reads from the type
what the text leaves out: the allowed names or values.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
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
        return (), f"{what}; allowed: {_format_allowed_values(shape, path)}"
    return (), what


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

"""References to results that are not there yet: ``{"$from": "a.result.rows"}``. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from project.errors import InvalidField

FROM = "$from"
ITEM = "item"
"""The name under which a fan-out refers to its row: ``{"$from": "item.customer"}``."""

MAX_NAME_CHARACTERS = 100
IS_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_NAME_CHARACTERS}}}").fullmatch
ALLOWED = '"node.result", "node.result.field", or in a fan-out "item" and "item.field"'


class Reference(NamedTuple):
    """A part of the result of a node, or of the row of a fan-out (``node`` is ``item``)."""

    node: str
    path: tuple[str, ...]

    def to_text(self) -> str:
        """``a.result.rows``, as ``parse_reference`` takes it."""
        first = (ITEM,) if self.node == ITEM else (self.node, "result")
        return ".".join([*first, *self.path])


def parse_reference(text: Any, field: str) -> Reference:
    """A reference from its text. Raises ``InvalidField(field)``."""
    parts = text.split(".") if isinstance(text, str) else [""]
    node, rest = parts[0], parts[1:]
    if node == ITEM:
        path = rest
    elif IS_NAME(node) and rest[:1] == ["result"]:
        path = rest[1:]
    else:
        raise InvalidField(field, f"{text!r:.100} refers to nothing; allowed are {ALLOWED}")
    if not all(path):
        raise InvalidField(field, f"{text!r:.100} has an empty part")
    return Reference(node, tuple(path))


def find_references(value: Any, field: str = "") -> Iterator[tuple[str, Reference]]:
    """Each reference in a JSON value with the path of its place. Raises ``InvalidField``."""
    if isinstance(value, Mapping):
        if FROM in value:
            if len(value) > 1:
                raise InvalidField(field, f"has {FROM} and other members; it stands alone")
            yield field, parse_reference(value[FROM], field)
            return
        for name, item in value.items():
            yield from find_references(item, f"{field}.{name}" if field else str(name))
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from find_references(item, f"{field}[{place}]")


def has_references(value: Any) -> bool:
    """Whether a JSON value has references. Raises ``InvalidField`` for a wrong one."""
    return next(find_references(value), None) is not None


def fill_references(value: Any, read: Callable[[Reference], Any]) -> Any:
    """A JSON value with what its references refer to in their places."""
    if isinstance(value, dict):
        if FROM in value:
            return read(parse_reference(value[FROM], FROM))
        return {name: fill_references(item, read) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill_references(item, read) for item in value]
    return value


def pick_part(value: Any, reference: Reference) -> Any:
    """The part of a result that a reference names; of None it is None.

    Raises ``InvalidField`` when there is none.
    """
    for step in reference.path:
        if value is None:
            return None
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif (
            isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value)
        ):
            value = value[int(step)]
        else:
            raise InvalidField(FROM, f"{reference.to_text()}: the result has no {step!r}")
    return value

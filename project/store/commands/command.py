"""What a move is, and how its answer is read."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

type Field = bytes | None

type Argument = str | bytes | int | float


class Command[T](NamedTuple):
    """A script, what it is given, and how its answer is read."""

    script: str
    arguments: Sequence[Argument]
    read: Callable[[Any], T]


def decode_texts(values: Sequence[bytes]) -> list[str]:
    """Values of Redis as texts."""
    return [value.decode() for value in values]


def decode_json(value: Field) -> Any:
    """A stored JSON value, None when it is not there."""
    return msgspec.json.decode(value) if value else None


def decode_text(value: Field) -> str:
    """A stored text, "" when it is not there."""
    return value.decode() if value else ""


def decode_seconds(value: Field) -> float | None:
    """A stored time, None when it is not there."""
    return float(value) if value else None

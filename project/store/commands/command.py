"""A command is a Lua script with its arguments, and a function that reads its answer."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

type Field = bytes | None

type Argument = str | bytes | int | float


OBJECT_MARKER = "object"
"""The type under which an object is written that looks like a value with a type of kombu's."""


class Command[T](NamedTuple):
    """The name of a script (``attempts/start``), its ARGV, and the function that reads its answer.

    Values that belong together are one argument in JSON; large texts are arguments of their own.
    """

    script: str
    arguments: Sequence[Argument]
    read: Callable[[Any], T]


def encode_json(value: Any) -> str:
    """A structured argument of a script: text, because the API's native client takes no bytes."""
    return msgspec.json.encode(value).decode()


def decode_texts(values: Sequence[bytes]) -> list[str]:
    """Values of Redis as texts."""
    return [value.decode() for value in values]


def decode_json(value: Field) -> Any:
    """A stored JSON value, None when the field is missing; its text when it cannot be read."""
    try:
        return msgspec.json.decode(value) if value else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return decode_text(value)


def restore_objects(value: Any) -> Any:
    """Decoded JSON with each object that was written as its items."""
    if isinstance(value, list):
        return [restore_objects(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.get("__type__") == OBJECT_MARKER:
        return {key: restore_objects(inner) for key, inner in value["__value__"]}
    return {key: restore_objects(inner) for key, inner in value.items()}


def decode_text(value: Field) -> str:
    """A stored text, "" when the field is missing. What is no text in it is escaped."""
    return value.decode(errors="backslashreplace") if value else ""


def decode_seconds(value: Field) -> float | None:
    """A stored time in seconds since the epoch, None when the field is missing."""
    return float(value) if value else None


def new_call_id() -> str:
    """Names one run of a command, so that Redis recognises a repetition after a lost answer."""
    return os.urandom(4).hex()

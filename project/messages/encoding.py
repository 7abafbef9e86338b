"""The JSON of arguments and results, as kombu writes it: dates, UUIDs and decimals stay so.

kombu writes such a value as ``{"__type__": ..., "__value__": ...}``. An object that looks like that
already is data, wherever it comes from: it is written in another form and arrives as it was.
"""

from typing import Any

import msgspec
from kombu.exceptions import EncodeError
from kombu.utils.json import JSONEncoder, register_type
from kombu.utils.json import loads as kombu_loads

from project.messages.validation import MAX_LEVELS, is_too_deep
from project.store.commands.command import OBJECT_MARKER

_MARKER_KEYS = {"__type__", "__value__"}
_write = JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_read = msgspec.json.Decoder().decode


class _PlainObject:
    """An object that looks like a value of kombu's with a type."""

    def __init__(self, items: dict[str, Any]) -> None:
        self.pairs = [[key, value] for key, value in items.items()]


register_type(_PlainObject, OBJECT_MARKER, lambda plain: plain.pairs, dict)


def encode(value: Any) -> str:
    """Encode a value as JSON that every worker reads back as it was.

    Raises ``EncodeError`` for what JSON does not have (NaN, objects), for half a character (a lone
    surrogate), and for more than ``MAX_LEVELS`` levels.
    """
    text = write(value)
    try:
        _read(text)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise EncodeError(f"not JSON: {problem}") from problem
    if is_too_deep(text):
        raise EncodeError(f"not JSON: more than {MAX_LEVELS} levels")
    return text


def write(value: Any) -> str:
    """``encode`` for what is read back and checked later. Raises ``EncodeError``."""
    try:
        text: str = _write(value)
        return _write(protect(value)) if '"__type__"' in text else text
    except Exception as problem:
        raise EncodeError(f"not JSON: {problem}") from problem


def protect(value: Any) -> Any:
    """A copy in which no object looks like a value of kombu's with a type."""
    if isinstance(value, dict):
        items = {key: protect(inner) for key, inner in value.items()}
        if items.keys() == _MARKER_KEYS:
            return _PlainObject(items)
        return items
    if isinstance(value, (list, tuple)):
        return [protect(inner) for inner in value]
    return value


def decode(text: str) -> Any:
    """Decode what ``encode`` wrote; without the types when one cannot be read."""
    try:
        return kombu_loads(text)
    except Exception:  # noqa: BLE001 - kombu's decoders raise anything
        return _read(text)


def replace_surrogates(value: Any) -> Any:
    """A copy in which each half of a character is written as an escape: Redis takes UTF-8."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {replace_surrogates(key): replace_surrogates(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [replace_surrogates(inner) for inner in value]
    return value

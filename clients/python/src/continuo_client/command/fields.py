"""The fields of an order from the command line: ``filters.month=2026-05``."""

import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from continuo_client.command.outcomes import WrongUsage

DECODER = msgspec.json.Decoder(float_hook=Decimal)
"""Keeps the digits of numbers as they were written."""

UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)
"""What the decoder raises for text that is not JSON, or is nested too deeply."""

MAX_DEPTH = 20
"""Names in the path of a field."""

STDIN = "-"
FORM = "write NAME=VALUE, or OUTER.INNER=VALUE for a field inside another"


def parse_fields(pairs: Iterable[str], body: dict[str, Any]) -> dict[str, Any]:
    """Add each ``name=value`` to the body of an order. Raises ``WrongUsage``.

    A field of ``body`` is replaced; a field that is given twice is refused.
    """
    given: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        path = name.split(".")
        if not equals or not all(path) or len(path) > MAX_DEPTH:
            raise WrongUsage(f"{pair}: {FORM}")
        set_field(given, path, parse_value(text))
    return merge_fields(body, given)


def parse_value(text: str) -> Any:
    """The value: of JSON if the text is JSON, else the text."""
    try:
        return DECODER.decode(text)
    except UNREADABLE:
        return text


def set_field(body: dict[str, Any], path: list[str], value: Any) -> None:
    """Set a field that has no value yet, and the objects around it. Raises ``WrongUsage``."""
    *outer, name = path
    for part in outer:
        body = body.setdefault(part, {})
        if not isinstance(body, dict):
            raise WrongUsage(f"{'.'.join(path)}: {part} has a value already, so it has no fields")
    if name in body:
        raise WrongUsage(f"{'.'.join(path)}: is given twice; write lists as JSON: {name}='[1, 2]'")
    body[name] = value


def merge_fields(body: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The fields of both; where both have one, that of ``given``, objects merged."""
    merged = body | given
    for name in body.keys() & given.keys():
        if isinstance(body[name], dict) and isinstance(given[name], dict):
            merged[name] = merge_fields(body[name], given[name])
    return merged


def read_body(file: str) -> dict[str, Any]:
    """The JSON object in a file, or on stdin for ``-``. Raises ``WrongUsage``."""
    try:
        content = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
        body = DECODER.decode(content)
    except OSError as error:
        raise WrongUsage(f"--json {file}: {error.strerror}") from error
    except UNREADABLE as error:
        raise WrongUsage(f"--json {file}: is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise WrongUsage(f'--json {file}: must be a JSON object, such as {{"type": "monthly"}}')
    return body

"""What was sent stays out of what is kept: an answer may repeat a password word for word."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tasks.webhooks import guard
from tasks.webhooks.orders import Call

HIDDEN = "***"
SHORTEST = 6
"""Characters from which on a value may be a secret."""

SHORTEST_STEP = 16
"""The same for a step of the path: words are shorter, tokens are longer."""

PIECE = 64
"""Characters that are looked for at once, so that an answer may repeat only the start."""

PLAIN = frozenset({"accept", "accept-language", "content-type", "user-agent"})
"""Headers that hold no secrets."""


def hide(text: str, sent: list[str]) -> str:
    """The text without ``pieces`` of a call."""
    for piece in sent:
        text = text.replace(piece, HIDDEN)
    return text


def pieces(call: Call) -> list[str]:
    """What the call says in its headers, its body and behind its host, the longest pieces first.

    Each as it is and as it stands in JSON.
    """
    found = {
        piece
        for value in _values(call)
        for text in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
        for piece in _cut(text)
        if len(piece) >= SHORTEST
    }
    return sorted(found, key=len, reverse=True)


def _cut(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


def _values(call: Call) -> Iterator[str]:
    for name, value in call.headers.items():
        if name.lower() not in PLAIN:
            yield from value.split()
    path, _, query = guard.parse(call.url).path.partition("?")
    yield from (step for step in path.split("/") if len(step) >= SHORTEST_STEP)
    for text in (query, call.body or ""):
        yield text
        yield from (value for _, value in parse_qsl(text))
    with suppress(msgspec.DecodeError, RecursionError):
        yield from _texts(msgspec.json.decode(call.body or ""))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, however deep."""
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            rest += value.values()
        elif isinstance(value, list):
            rest += value

"""What was sent stays out of what is kept: an answer may repeat a password word for word."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tasks.webhooks import guard
from tasks.webhooks.call_arguments import Call

MASK = "***"
MIN_SECRET_CHARACTERS = 6
"""Characters from which on a value may be a secret."""

MIN_PATH_STEP_CHARACTERS = 16
"""The same for a step of the path: words are shorter, tokens are longer."""

MAX_PIECE_CHARACTERS = 64
"""Characters that are looked for at once, so that an answer may repeat only the start."""

PUBLIC_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
"""Headers that hold no secrets."""


def mask_pieces(text: str, sent: list[str]) -> str:
    """The text without ``collect_pieces`` of a call."""
    for piece in sent:
        text = text.replace(piece, MASK)
    return text


def collect_pieces(call: Call) -> list[str]:
    """What the call says in its headers, its body and behind its host, the longest pieces first.

    Each as it is and as it stands in JSON.
    """
    found = {
        piece
        for value in _iterate_values(call)
        for text in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
        for piece in _cut_pieces(text)
        if len(piece) >= MIN_SECRET_CHARACTERS
    }
    return sorted(found, key=len, reverse=True)


def _cut_pieces(text: str) -> Iterator[str]:
    return (
        text[start : start + MAX_PIECE_CHARACTERS]
        for start in range(0, len(text), MAX_PIECE_CHARACTERS)
    )


def _iterate_values(call: Call) -> Iterator[str]:
    for name, value in call.headers.items():
        if name.lower() not in PUBLIC_HEADERS:
            yield from value.split()
    path, _, query = guard.parse_url(call.url).path.partition("?")
    yield from (step for step in path.split("/") if len(step) >= MIN_PATH_STEP_CHARACTERS)
    for text in (query, call.body or ""):
        yield text
        yield from (value for _, value in parse_qsl(text))
    with suppress(msgspec.DecodeError, RecursionError):
        yield from _iterate_texts(msgspec.json.decode(call.body or ""))


def _iterate_texts(value: Any) -> Iterator[str]:
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

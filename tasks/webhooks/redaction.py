"""Masks what a call sent in the stored response: a server may repeat a password."""

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
"""A shorter value is not masked."""

MIN_PATH_SEGMENT_CHARACTERS = 16
"""A shorter path segment is not masked: words are shorter, tokens are longer."""

MAX_PIECE_CHARACTERS = 64
"""Values are cut into pieces of this length, so that a repeated part is masked too."""

PUBLIC_HEADERS = frozenset({"accept", "accept-language", "content-type", "user-agent"})
"""Headers without secrets."""


def mask_pieces(text: str, sent: list[str]) -> str:
    """Replace each piece of ``sent`` in the text by ``MASK``."""
    for piece in sent:
        text = text.replace(piece, MASK)
    return text


def collect_pieces(call: Call) -> list[str]:
    """Return what the call sends in headers, body, path and query, longest pieces first.

    Each value is included as it is and as it is escaped in JSON.
    """
    pieces = {
        piece
        for value in _iterate_values(call)
        for text in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
        for piece in _cut_pieces(text)
        if len(piece) >= MIN_SECRET_CHARACTERS
    }
    return sorted(pieces, key=len, reverse=True)


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
    yield from (
        segment for segment in path.split("/") if len(segment) >= MIN_PATH_SEGMENT_CHARACTERS
    )
    for text in (query, call.body or ""):
        yield text
        yield from (value for _, value in parse_qsl(text))
    with suppress(msgspec.DecodeError, RecursionError):
        yield from _iterate_texts(msgspec.json.decode(call.body or ""))


def _iterate_texts(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, at any depth."""
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            rest += value.values()
        elif isinstance(value, list):
            rest += value

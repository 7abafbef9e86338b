"""Masks secrets in what a job logs."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

MASK = "***"

MIN_SECRET_CHARACTERS = 6
"""A shorter argument is not masked."""

_HINTS = ("://", "passw", "secret", "token", "key", "authorization", "bearer", "basic")
"""One of these is in every text, in small letters, that ``_SECRETS`` can match: a quick look."""

_SECRETS = re.compile(
    r"(?P<url>://[^\s/:@]*:)[^\s/@]+(?=@)"
    r"|(?P<bearer>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{6,}"
    r"|(?P<named>\b[\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization)[\"']?\s*[=:]\s*[\"']?)"
    r"(?!(?:Bearer|Basic)\s)[^\s\"',;&]+",
    re.IGNORECASE,
)


def mask_secrets(text: str) -> str:
    """Mask passwords in URLs, bearer tokens, and values that are named as secrets."""
    small = text.lower()
    for hint in _HINTS:  # each line of a job comes here: twice as fast as any()
        if hint in small:
            return _SECRETS.sub(lambda found: f"{found[found.lastgroup or 0]}{MASK}", text)
    return text


def mask_pieces(text: str, pieces: Iterable[str]) -> str:
    """Mask each of the pieces in a text."""
    for piece in pieces:
        text = text.replace(piece, MASK)
    return text


def collect_pieces(arguments: Any) -> list[str]:
    """The texts in the arguments of a job whose kind hides them, longest first."""
    found = {text for text in _iterate_texts(arguments) if len(text) >= MIN_SECRET_CHARACTERS}
    words = {word for text in found for word in text.split() if len(word) >= MIN_SECRET_CHARACTERS}
    return sorted(found | words, key=len, reverse=True)


def _iterate_texts(value: Any) -> Iterator[str]:
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            rest += value.values()
        elif isinstance(value, (list, tuple)):
            rest += value

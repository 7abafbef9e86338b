"""How deep JSON may be nested: a worker hands jobs on by means that go less deep than a parser."""

from typing import Any

import msgspec

MAX_LEVELS = 200


def is_too_deep(text: str | bytes) -> bool:
    """Whether JSON, which has been parsed before, has more levels than a job may have."""
    raw = text.encode() if isinstance(text, str) else text
    if raw.count(b"[") + raw.count(b"{") <= MAX_LEVELS:
        return False
    try:
        return _has_more_levels(msgspec.json.decode(raw))
    except RecursionError:
        return True


def _has_more_levels(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_LEVELS):
        level = [inner for outer in level for inner in _children_of(outer)]
    return any(isinstance(value, (dict, list)) for value in level)


def _children_of(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()

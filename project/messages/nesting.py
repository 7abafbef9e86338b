"""How deep JSON may be nested: a worker hands jobs on by means that go less deep than a parser."""

from typing import Any

import msgspec

MOST_LEVELS = 200


def is_too_deep(text: str | bytes) -> bool:
    """Whether JSON, which has been parsed before, has more levels than a job may have."""
    raw = text.encode() if isinstance(text, str) else text
    if raw.count(b"[") + raw.count(b"{") <= MOST_LEVELS:
        return False
    try:
        return _goes_on(msgspec.json.decode(raw))
    except RecursionError:
        return True


def _goes_on(value: Any) -> bool:
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [inner for outer in level for inner in _inside(outer)]
    return any(isinstance(value, (dict, list)) for value in level)


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()

"""A unique key, and what happens when another job has it. Pure."""

import re
from typing import NamedTuple

from project.errors import InvalidField

MODE_PATTERN = r"(first|last|(debounce|throttle)\(([0-9]{1,7}(\.[0-9]{1,3})?)\))"
_MODE = re.compile(MODE_PATTERN)


class UniqueKey(NamedTuple):
    """A key that one job of a kind holds at a time.

    ``during`` says until when: while the job is ``queued`` or ``unfinished``, or seconds from now.

    ``mode`` says which of two jobs with the key is wanted. ``first``: the one that has it.
    ``last``: the new one takes the place of one that waits, which is cancelled. ``debounce(30)``:
    so does the new one, and it starts 30 seconds after the last order, and at most ten times as
    long after the first. ``throttle(30)``: the first in 30 seconds. A job that runs is never
    replaced: it runs to its end, the new one is enqueued beside it and has the key from then on.
    """

    key: str
    during: str | float = "unfinished"
    mode: str = "first"


class UniqueArguments(NamedTuple):
    """A unique key as the scripts take it; ``waits_for`` in seconds."""

    unique_key: str = ""
    unique_during: str = ""
    replaces: bool = False
    waits_for: float | None = None


def build_unique_arguments(unique: UniqueKey | None) -> UniqueArguments:
    """The arguments of the scripts. Raises ``InvalidField``."""
    if unique is None:
        return UniqueArguments()
    name, seconds = parse_mode(unique.mode)
    if name != "first" and unique.during != "unfinished":
        raise InvalidField("unique.during", f"cannot be given together with the mode {unique.mode}")
    if name == "throttle":
        return UniqueArguments(unique.key, str(seconds))
    replaces = name in ("last", "debounce")
    return UniqueArguments(unique.key, str(unique.during), replaces, seconds)


def parse_mode(mode: str) -> tuple[str, float | None]:
    """The name of a mode and its seconds, None for a mode without. Raises ``InvalidField``."""
    found = _MODE.fullmatch(mode)
    if not found:
        raise InvalidField(
            "unique.mode", f"{mode!r} is none of first, last, debounce(SECONDS), throttle(SECONDS)"
        )
    return found[2] or found[1], float(found[3]) if found[3] else None


def name_for_tenant(key: str, tenant: str) -> str:
    """The key as it is kept: each tenant has its own."""
    return f"tenant:{tenant}\n{key}" if tenant else key

"""Commands of the causes of failures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from project.records.cause import CauseState
from project.store.commands.command import Command, decode_json, decode_seconds, decode_text

HOUR_SECONDS = 3_600


class StoredCause(NamedTuple):
    """A cause; times are in seconds since the epoch.

    ``failures``: jobs that failed since
    ``first``. ``hours``: how many failed in each hour and of each kind, by the begin of the hour
    and the kind. ``job`` is one of them. ``state`` is what people said, ``until`` the end of that.
    """

    fingerprint: str
    headline: str
    frames: list[str]
    failures: int
    first: float
    last: float
    job: str
    state: CauseState
    until: float | None
    regressions: int
    revision: str
    hours: dict[tuple[int, str], int]


def list_causes(most: int) -> Command[list[StoredCause]]:
    """The causes of the last failures, at most ``most``."""
    return Command("causes/list", (most, ""), parse_causes)


def read_cause(fingerprint: str) -> Command[StoredCause | None]:
    """A cause; None when there is none."""

    def parse(answer: list[Any]) -> StoredCause | None:
        return next(iter(parse_causes(answer)), None)

    return Command("causes/list", (0, fingerprint), parse)


def set_state(
    fingerprint: str, state: CauseState, *, until: float | None, revision: str = ""
) -> Command[bool | None]:
    """Set the state of a cause: whether its revision was the expected one; None: no such cause.

    ``until`` is the end of ``ignored``, None for no end.
    """
    arguments = (fingerprint, state.value, "" if until is None else repr(until), revision)
    return Command("causes/set_state", arguments, lambda done: None if done < 0 else bool(done))


def parse_causes(answer: list[Any]) -> list[StoredCause]:
    """The answer of ``causes/list``."""
    now, *found = answer
    return [parse_cause(*one, now=float(now)) for one in found]


def parse_cause(
    fingerprint: bytes, last: bytes, values: Sequence[bytes], *, now: float
) -> StoredCause:
    """A cause from its fields; one that was ignored until a time is open after it."""
    field = dict(zip(values[::2], values[1::2], strict=True))
    frames, until = decode_json(field.get(b"frames")), decode_seconds(field.get(b"until"))
    state = CauseState(decode_text(field.get(b"state")) or CauseState.OPEN)
    if until is not None and until <= now:
        state, until = CauseState.OPEN, None
    hours = count_by_hour(field)
    return StoredCause(
        fingerprint.decode(),
        decode_text(field.get(b"headline")),
        frames if isinstance(frames, list) else [],
        int(field.get(b"past", 0)) + sum(hours.values()),
        float(field.get(b"first", last)),
        float(last),
        decode_text(field.get(b"job")),
        state,
        until,
        int(field.get(b"regressions", 0)),
        decode_text(field.get(b"revision")) or "0",
        hours,
    )


def count_by_hour(field: Mapping[bytes, bytes]) -> Counter[tuple[int, str]]:
    """How many jobs failed, by the begin of the hour and the kind."""
    hours: Counter[tuple[int, str]] = Counter()
    for name, count in field.items():
        if name[:2] in (b"n:", b"m:"):
            hours[parse_hour(name)] += int(count)
    return hours


def parse_hour(name: bytes) -> tuple[int, str]:
    """The begin of the hour, in seconds since the epoch, and the kind of ``n:<hour>:<kind>``."""
    _, hour, kind = name.split(b":", 2)
    return int(hour) * HOUR_SECONDS, decode_text(kind)

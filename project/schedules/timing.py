"""Says when a schedule is due: ``cron("0 7 1 * *", zone="Europe/Berlin")``, ``every(3600)``.

Both take the other fields of ``project.records.schedule.Timing`` by name.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any

from project.errors import InvalidField
from project.payload.payload import convert_all
from project.records.schedule import MAX_SECONDS, CatchUp, Overlap, Timing
from project.schedules.cron import read_cron
from project.schedules.timetable import Timetable, read_zone

SAMPLE_TIME, SAMPLE_SIZE = 1_767_225_600, 100
"""The time, 1 January 2026, and number of due times of which the distances are looked at."""


def cron(expression: str, *, zone: str = "UTC", **others: Any) -> Timing:
    """Due at the times of a cron expression, on the clocks of a zone. Raises ``InvalidField``."""
    return build_timing(cron=expression, zone=zone, **others)


def every(seconds: int, **others: Any) -> Timing:
    """Due every so many seconds from ``start``, else from 1970. Raises ``InvalidField``."""
    return build_timing(every=seconds, **others)


def at(times: Iterable[datetime | int], **others: Any) -> Timing:
    """Due at some times, which have a time zone. Raises ``InvalidField``."""
    return build_timing(at=list(times), **others)


def build_timing(**fields: Any) -> Timing:
    """A timing of these fields. Raises ``InvalidField``."""
    plain = {name: as_seconds(name, value) for name, value in fields.items()}
    timing = convert_all(plain, Timing)
    if unknown := sorted(plain.keys() - set(Timing.__struct_fields__)):
        raise InvalidField(unknown[0], f"allowed are {', '.join(Timing.__struct_fields__)}")
    check_timing(timing)
    return timing  # type: ignore[no-any-return]


def as_seconds(name: str, value: Any) -> Any:
    """Times as whole seconds since 1970, alone or in a list; anything else as it is."""
    if isinstance(value, list):
        return [as_seconds(name, each) for each in value]
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise InvalidField(name, f"{value} has no time zone")
    return int(value.timestamp())


def check_timing(timing: Timing) -> None:
    """Raise ``InvalidField`` for a timing that says nothing, too much, or what cannot be."""
    rules = [name for name in ("cron", "every", "at") if getattr(timing, name)]
    if len(rules) != 1:
        said = " and ".join(rules) or "none"
        raise InvalidField(
            rules[-1] if rules else "cron", f"one of cron, every, at is needed, not {said}"
        )
    read_zone(timing.zone)
    if timing.cron:
        read_cron(timing.cron)
    check_jitter(timing)
    if timing.start is not None and timing.end is not None and timing.end < timing.start:
        raise InvalidField("end", "is before start")
    if timing.catch_up is CatchUp.ALL and timing.overlap is not Overlap.ALLOW:
        problem = "all makes several jobs at once, which overlap; that needs overlap: allow"
        raise InvalidField("catch_up", problem)


def check_jitter(timing: Timing) -> None:
    """Raise ``InvalidField`` for a jitter that may delay a job until after the next due time."""
    if not timing.jitter:
        return
    times = Timetable(timing).list_next((timing.start or SAMPLE_TIME) - 1, SAMPLE_SIZE)
    shortest = min((later - earlier for earlier, later in pairwise(times)), default=MAX_SECONDS)
    if timing.jitter >= shortest:
        raise InvalidField("jitter", f"must be less than the {shortest} s between two due times")


def copy_timing(timing: Timing) -> dict[str, Any]:
    """The fields of a timing, for a plan."""
    return {name: getattr(timing, name) for name in Timing.__struct_fields__}


__all__ = ["Timing", "at", "build_timing", "check_timing", "copy_timing", "cron", "every"]

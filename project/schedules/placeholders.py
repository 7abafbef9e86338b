"""Times in the arguments of a schedule that follow from its due time.

``{{ month before due }}`` in a text is ``2026-10`` for a job that is due in November 2026. The
calendar is that of the zone of the schedule.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from project.errors import InvalidField
from project.schedules.timetable import read_zone

MONTHS_OF_A_QUARTER = 3

_PLACEHOLDER = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_WORDS = re.compile(
    r"(?:(?P<edge>first|last) day of )?"
    r"(?P<unit>day|week|month|quarter|year) (?P<side>of|before) due"
)
ALLOWED = (
    "{{ due }}, {{ month before due }} or {{ month of due }}, the same with day, week, quarter and "
    "year, and {{ first day of month before due }} or last"
)


def fill_placeholders(value: Any, due: int, zone: str) -> Any:
    """A JSON value with the placeholders in its texts filled in. Raises ``InvalidField``."""
    if isinstance(value, str):
        moment = datetime.fromtimestamp(due, UTC).astimezone(read_zone(zone))
        return _PLACEHOLDER.sub(lambda found: write_time(found[1], moment), value)
    if isinstance(value, dict):
        return {name: fill_placeholders(item, due, zone) for name, item in value.items()}
    if isinstance(value, list):
        return [fill_placeholders(item, due, zone) for item in value]
    return value


def has_placeholders(value: Any) -> bool:
    """Whether a text in a JSON value has a placeholder."""
    if isinstance(value, str):
        return _PLACEHOLDER.search(value) is not None
    if isinstance(value, dict):
        return any(map(has_placeholders, value.values()))
    return isinstance(value, list) and any(map(has_placeholders, value))


def write_time(words: str, due: datetime) -> str:
    """What a placeholder stands for. Raises ``InvalidField``."""
    if words == "due":
        return due.isoformat()
    found = _WORDS.fullmatch(words)
    if found is None:
        raise InvalidField("{{ " + words[:40] + " }}", f"is not known; allowed are {ALLOWED}")
    unit = found["unit"]
    first = STARTS[unit](due.date())
    if found["side"] == "before":
        first = STARTS[unit](first - timedelta(days=1))
    if found["edge"] == "first":
        return first.isoformat()
    if found["edge"] == "last":
        return (find_start_after(unit, first) - timedelta(days=1)).isoformat()
    return FORMATS[unit](first)


def start_month(day: date) -> date:
    """The first day of the month."""
    return day.replace(day=1)


def start_quarter(day: date) -> date:
    """The first day of the quarter."""
    return day.replace(month=day.month - (day.month - 1) % MONTHS_OF_A_QUARTER, day=1)


STARTS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": start_month,
    "quarter": start_quarter,
    "year": lambda day: day.replace(month=1, day=1),
}
FORMATS: dict[str, Callable[[date], str]] = {
    "day": date.isoformat,
    "week": lambda day: f"{day:%G-W%V}",
    "month": lambda day: f"{day:%Y-%m}",
    "quarter": lambda day: f"{day.year}-Q{(day.month - 1) // MONTHS_OF_A_QUARTER + 1}",
    "year": lambda day: f"{day.year}",
}
DAYS_WITHIN_NEXT = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
"""So many days after its first day, the next unit has begun and has not ended."""


def find_start_after(unit: str, first: date) -> date:
    """The first day of the unit after the one that begins on ``first``."""
    return STARTS[unit](first + timedelta(days=DAYS_WITHIN_NEXT[unit]))

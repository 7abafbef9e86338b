"""Cron expressions: parsed by cronsim, with ``W`` added, and errors that say what is allowed.

An expression has five fields (minute, hour, day of the month, month, day of the week), or six when
the seconds come first. It is about the clock on the wall; ``timetable`` knows the zones.
"""

import re
from calendar import monthrange
from copy import copy
from datetime import date, datetime, timedelta
from functools import lru_cache

from cronsim import CronSim, CronSimError

from project.errors import InvalidField

FIELDS = {
    "second": "0 to 59",
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, L (the last day), LW (the last weekday), 15W (the weekday nearest to "
    "the 15th)",
    "month": "1 to 12, JAN to DEC",
    "day-of-week": "0 to 7 (0 and 7 are Sunday), SUN to SAT, 5L (the last Friday), MON#2 (the "
    "second Monday)",
}
"""The fields in their order, and the values that each may have."""

SHORT_FIELDS = 5
SHAPES = "*, a value, a range (1-5), a step (*/15), or several with commas"
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MAX_CHARACTERS = 200
HOURS_OF_A_DAY = frozenset(range(24))
IS_NEAREST = re.compile(r"([1-9]|[12]\d|3[01])W").fullmatch
MAX_YEARS = 50
"""What has no match for so many years never comes true; cronsim gives up then, too."""

NEAR_DAYS = 2
"""A weekday is at most so many days from any day of its month."""

DAY, WEEKDAY = 3, 5
"""The places of these fields among six."""

SATURDAY = 5
LEAP_YEAR = datetime(2024, 1, 1)  # noqa: DTZ001 - the clock on the wall


class Cron:
    """A cron expression. Raises ``InvalidField`` for one that is wrong or never comes true."""

    def __init__(self, text: str) -> None:
        self.fields = split_fields(text)
        days = self.fields[DAY].split(",")
        self._nearest = [int(day[:-1]) for day in days if IS_NEAREST(day)]
        self._others: CronSim | None = None
        if self._nearest:
            self._read_nearest(days)
        self._sim = parse([*self.fields[:DAY], self._days(days), *self.fields[DAY + 1 :]])
        if self.find_next(LEAP_YEAR) is None:
            raise InvalidField("cron", f"{text!r} never comes true: its month has no such day")

    @property
    def is_hourly(self) -> bool:
        """Whether every hour matches: then the time between two runs counts, not the hour."""
        return HOURS_OF_A_DAY.issubset(self._sim.hours)

    def find_next(self, wall: datetime) -> datetime | None:
        """The first match after a time on the wall; None when there is none for 50 years."""
        sim = copy(self._sim)
        sim.dt = wall.replace(microsecond=0)
        for found in sim:
            if not self._nearest or self._is_near(found.date()):
                return found
            if found.year > wall.year + MAX_YEARS:
                return None
        return None

    def explain(self) -> str:
        """The expression in words: ``At 07:00 on the first day of the month``."""
        if not self._nearest:
            return self._sim.explain()
        every_day = parse([*self.fields[:DAY], "*", *self.fields[DAY + 1 :]]).explain()
        days = " and ".join(f"the weekday nearest to day {day}" for day in self._nearest)
        return f"{every_day}, on {days} of the month"

    def _read_nearest(self, days: list[str]) -> None:
        if self.fields[WEEKDAY] != "*":
            raise InvalidField("cron", "W in day-of-month allows only * as day-of-week")
        others = [day for day in days if not IS_NEAREST(day)]
        if others:
            self._others = parse([*self.fields[:DAY], ",".join(others), *self.fields[DAY + 1 :]])

    def _days(self, days: list[str]) -> str:
        """The field of the days for cronsim: instead of 15W all days that may be it."""
        near = {
            str(day + step)
            for day in self._nearest
            for step in range(-NEAR_DAYS, NEAR_DAYS + 1)
            if 1 <= day + step <= 31  # noqa: PLR2004 - days of a month
        }
        return ",".join([*sorted(near), *(day for day in days if not IS_NEAREST(day))])

    def _is_near(self, day: date) -> bool:
        if self._others and self._others.match_dom(day):
            return True
        return any(find_nearest_weekday(day, number) == day for number in self._nearest)


@lru_cache(maxsize=4_096)
def read_cron(text: str) -> Cron:
    """The expression of a text, each parsed once. Raises ``InvalidField``."""
    return Cron(text)


def split_fields(text: str) -> list[str]:
    """The six fields of an expression, in capitals. Raises ``InvalidField``."""
    if len(text) > MAX_CHARACTERS:
        raise InvalidField("cron", f"has more than {MAX_CHARACTERS} characters")
    fields = NICKNAMES.get(text.strip().lower(), text).upper().split()
    if len(fields) == SHORT_FIELDS:
        return ["0", *fields]
    if len(fields) != len(FIELDS):
        names = ", ".join(list(FIELDS)[1:])
        raise InvalidField(
            "cron", f"{text!r} has {len(fields)} fields; 5 are allowed ({names}), or 6 with seconds"
        )
    return fields


def parse(fields: list[str]) -> CronSim:
    """Let cronsim read six fields. Raises ``InvalidField``."""
    try:
        return CronSim(" ".join(fields), LEAP_YEAR)
    except CronSimError as problem:
        name = str(problem).removeprefix("Bad ")
        if name not in FIELDS:
            raise InvalidField("cron", str(problem)) from None
        value = fields[list(FIELDS).index(name)]
        raise InvalidField(
            "cron", f"{name} {value!r} does not work: allowed are {FIELDS[name]}; {SHAPES}"
        ) from None


def find_nearest_weekday(month: date, number: int) -> date | None:
    """The weekday nearest to a day of a month, within it; None when it has no such day."""
    last = monthrange(month.year, month.month)[1]
    if number > last:
        return None
    day = month.replace(day=number)
    if day.weekday() < SATURDAY:
        return day
    if day.weekday() == SATURDAY:
        return day - timedelta(1) if number > 1 else day + timedelta(2)
    return day + timedelta(1) if number < last else day - timedelta(2)

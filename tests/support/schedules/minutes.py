"""A second implementation of cron in time zones: looks at every minute of a stretch of time.

It has nothing in common with the first one but the rules of ``docs/how-to/schedules.md``.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
MINUTE = 60
ONE_MINUTE = timedelta(minutes=1)


def list_minutes(cron: str, zone: ZoneInfo, since: int, until: int) -> list[int]:
    """All due times from ``since`` to before ``until``; both whole minutes."""
    return list(iterate_minutes(cron, zone, since, until))


def iterate_minutes(cron: str, zone: ZoneInfo, since: int, until: int) -> Iterator[int]:
    minutes, hours, days, months, weekdays = cron.split()
    minute_set, hour_set = read(minutes, 0, 59), read(hours, 0, 23)
    follows_clock = len(hour_set) == 24
    known: dict[date, bool] = {}
    earlier, walls = list_walls(zone, since, until)
    before, seen_until = earlier[-1], max(earlier)
    for moment, wall in zip(range(since, until, MINUTE), walls, strict=True):
        shown = [wall]
        if not follows_clock and (wall - before != ONE_MINUTE or wall <= seen_until):
            # with the minutes that the clock skipped, without those that it has shown before
            skipped = int((wall - before).total_seconds()) // MINUTE - 1
            shown = [wall - timedelta(minutes=back) for back in range(skipped, -1, -1)]
            shown = [each for each in shown if each > seen_until]
        before, seen_until = wall, max(seen_until, wall)
        for each in shown:
            if each.minute not in minute_set or each.hour not in hour_set:
                continue
            day = each.date()
            if day not in known:
                known[day] = is_day(day, days, months, weekdays)
            if known[day]:
                yield moment
                break


@lru_cache(maxsize=256)
def list_walls(zone: ZoneInfo, since: int, until: int) -> tuple[list[datetime], list[datetime]]:
    """What the clock shows in each minute: of the hours before, and of the stretch of time."""
    walls = [wall_of(each, zone) for each in range(since - 200 * MINUTE, until, MINUTE)]
    return walls[:200], walls[200:]


def wall_of(moment: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment, UTC).astimezone(zone).replace(tzinfo=None, fold=0)


def read(field: str, low: int, high: int, names: list[str] | None = None) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = number(first, low, names)
            end = number(last, low, names) if dash else (high if step else begin)
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


def number(text: str, low: int, names: list[str] | None) -> int:
    return names.index(text) + low if names and text in names else int(text)


def is_day(day: date, days: str, months: str, weekdays: str) -> bool:
    if day.month not in read(months, 1, 12, MONTHS):
        return False
    one = any(is_day_of_month(day, part) for part in days.split(","))
    other = any(is_weekday(day, part) for part in weekdays.split(","))
    both = days.startswith("*") or weekdays.startswith("*")
    return one and other if both else one or other


def is_day_of_month(day: date, part: str) -> bool:
    last = monthrange(day.year, day.month)[1]
    if part == "L":
        return day.day == last
    if part == "LW":
        return day == max(each for each in month_of(day) if each.isoweekday() < 6)
    if near := re.fullmatch(r"(\d+)W", part):
        wanted = int(near[1])
        work = [each for each in month_of(day) if each.isoweekday() < 6]
        nearest = min(work, key=lambda each: (abs(each.day - wanted), each.day))
        return wanted <= last and day == nearest
    return day.day in read(part, 1, 31)


def is_weekday(day: date, part: str) -> bool:
    today = day.isoweekday() % 7
    if nth := re.fullmatch(r"(\w+)#(\d)", part):
        return number(nth[1], 0, DAYS) % 7 == today and (day.day + 6) // 7 == int(nth[2])
    if last := re.fullmatch(r"(\d)L", part):
        return int(last[1]) % 7 == today and day.day + 7 > monthrange(day.year, day.month)[1]
    return today in {each % 7 for each in read(part, 0, 7 if "7" in part else 6, DAYS)}


def month_of(day: date) -> list[date]:
    return [day.replace(day=each) for each in range(1, monthrange(day.year, day.month)[1] + 1)]

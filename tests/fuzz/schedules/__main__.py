"""Compares the times of schedules with those of a second implementation.

Run ``python -m tests.fuzz.schedules``: all zones of the IANA list, 2020 to 2035, and forty shapes
of cron expressions. The days around each change of a clock and some other days are compared minute
by minute. Takes about an hour of one core for all zones; ``--zones Europe`` takes those that begin
so, ``--part 1/4`` every fourth. The last line has the number of differences.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from project.records.schedule import Plan
from project.schedules.timetable import Timetable
from tests.fuzz.schedules.shapes import SHAPES
from tests.support.schedules.minutes import list_minutes

FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OTHER_DAYS_STEP = 397
"""Days between those that are compared though no clock changes."""


def list_stretches(zone: ZoneInfo) -> list[tuple[int, int]]:
    """Two days around each change of the clock, and other days."""
    days = [FIRST + DAY * number for number in range((LAST - FIRST).days)]
    offsets = [each.astimezone(zone).utcoffset() for each in [*days, LAST]]
    chosen = [
        day
        for number, day in enumerate(days)
        if offsets[number] != offsets[number + 1] or number % OTHER_DAYS_STEP == 0
    ]
    return [
        (int((day - DAY / 2).timestamp()), int((day + DAY * 1.5).timestamp())) for day in chosen
    ]


def find_differences(name: str, shape: str, stretches: list[tuple[int, int]]) -> Iterator[str]:
    zone, table = ZoneInfo(name), Timetable(Plan(kind="any", cron=shape, zone=name))
    for since, until in stretches:
        wanted = set(list_minutes(shape, zone, since, until))
        for moment in sorted(wanted ^ set(table.list_between(since, until - 1))):
            what = "missing" if moment in wanted else "too many"
            yield f"{name} {shape!r}: {datetime.fromtimestamp(moment, zone).isoformat()} {what}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.schedules")
    parser.add_argument("--zones", default="", help="how the names of the zones begin")
    parser.add_argument("--part", default="1/1", help="which part of how many")
    given = parser.parse_args()
    part, parts = map(int, given.part.split("/"))
    names = [each for each in sorted(available_timezones()) if each.startswith(given.zones)]
    names = names[part - 1 :: parts]
    differences = compared = 0
    seen = set[tuple[object, ...]]()
    for name in names:
        stretches = list_stretches(ZoneInfo(name))
        rules = describe_clock(ZoneInfo(name), stretches)
        if rules in seen:  # another name of the same clock
            continue
        seen.add(rules)
        for shape in SHAPES:
            compared += len(stretches)
            for difference in find_differences(name, shape, stretches):
                differences += 1
                print(difference)  # noqa: T201 - the result
    print(  # noqa: T201 - the result
        f"{len(names)} zones, {len(seen)} different clocks, {len(SHAPES)} shapes: "
        f"{compared} stretches of two days compared, {differences} differences"
    )
    return 1 if differences else 0


def describe_clock(zone: ZoneInfo, stretches: list[tuple[int, int]]) -> tuple[object, ...]:
    """What a clock shows in its stretches, half an hour apart: equal for equal clocks."""
    return tuple(
        (at, datetime.fromtimestamp(at, zone).utcoffset())
        for since, until in stretches
        for at in range(since, until, 1_800)
    )


if __name__ == "__main__":
    sys.exit(main())

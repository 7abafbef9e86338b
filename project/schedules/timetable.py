"""When a schedule is due: the times of a cron expression in a time zone, of an interval, of a list.

All times are whole seconds since 1970. A cron expression follows the clock on the wall, which is
set forward and back:

- An expression that names hours is due once for each time that it names. A time that the clock
  skips is due when the clock goes on, a time that comes twice is due the first time.
- An expression for every hour is due whenever the clock shows a minute of it: never in a skipped
  hour, twice in an hour that comes twice.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import Protocol
from zoneinfo import ZoneInfo

from project.errors import InvalidField
from project.records.schedule import Timing
from project.schedules.cron import Cron, read_cron

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
FIRST_WINDOW_SECONDS = 60
WINDOW_FACTOR = 8


class Times(Protocol):
    """A rule that says when something is due."""

    def find_next(self, after: int) -> int | None:
        """The first time after another; None when there is none."""


class CronTimes:
    """The times of a cron expression on the clocks of a zone."""

    def __init__(self, cron: Cron, zone: ZoneInfo) -> None:
        self.cron = cron
        self.zone = zone

    def find_next(self, after: int) -> int | None:
        """The first time after another; None when there is none for 50 years."""
        moment = datetime.fromtimestamp(after, UTC)
        found = self._find_hourly(moment) if self.cron.is_hourly else self._find_named(moment)
        return None if found is None else int(found.timestamp())

    def _find_named(self, after: datetime) -> datetime | None:
        """The next time that the expression names; skipped ones come when the clock goes on."""
        floor = self._wall(after)
        while wall := self.cron.find_next(floor):
            found, floor = self._locate(wall), wall
            if found > after:
                return found
        return None

    def _find_hourly(self, after: datetime) -> datetime | None:
        """The next moment at which the clock shows a time of the expression.

        Looks at each stretch of time in which the clock is not changed.
        """
        since, floor = after, self._wall(after)
        while wall := self.cron.find_next(floor):
            found = (wall - self._offset(since)).replace(tzinfo=UTC)
            change = self._find_change(since, min(found, since + DAY))
            if change and found >= change:
                since, floor = change, self._wall(change) - SECOND
            elif found <= since + DAY:
                return found
            else:  # the clock shows nothing of the expression before, however it is changed
                since = max(since + DAY, found - 2 * DAY)
                floor = self._wall(since)
        return None

    def _wall(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def _offset(self, moment: datetime) -> timedelta:
        offset = moment.astimezone(self.zone).utcoffset()
        assert offset is not None  # noqa: S101 - a zone has one
        return offset

    def _locate(self, wall: datetime) -> datetime:
        """The moment of a time on the wall: the first of two, or the end of the gap it is in."""
        found = wall.replace(tzinfo=self.zone).astimezone(UTC)
        if self._wall(found) == wall:
            return found
        before = wall.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        return self._find_change(before, found) or found

    def _find_change(self, low: datetime, high: datetime) -> datetime | None:
        """The first moment with the offset of ``high``, None when ``low`` has the same."""
        offset = self._offset(high)
        if self._offset(low) == offset:
            return None
        while high - low > SECOND:
            middle = low + timedelta(seconds=(high - low) // SECOND // 2)
            low, high = (low, middle) if self._offset(middle) == offset else (middle, high)
        return high


class IntervalTimes:
    """Every so many seconds, counted from a time."""

    def __init__(self, every: int, start: int) -> None:
        self.every = every
        self.start = start

    def find_next(self, after: int) -> int:
        """The first time after another."""
        return after + self.every - (after - self.start) % self.every


class ListedTimes:
    """Times that are listed."""

    def __init__(self, times: tuple[int, ...]) -> None:
        self.times = sorted(times)

    def find_next(self, after: int) -> int | None:
        """The first time after another; None after the last."""
        place = bisect_right(self.times, after)
        return self.times[place] if place < len(self.times) else None


class Timetable:
    """The times of a schedule, between its start and its end."""

    def __init__(self, timing: Timing) -> None:
        self.start = 0 if timing.start is None else timing.start
        self.end = timing.end
        self.times = read_times(timing)

    def find_next(self, after: int) -> int | None:
        """The first time after another; None when the schedule is over."""
        due = self.times.find_next(max(after, self.start - 1))
        return None if due is None or (self.end is not None and due > self.end) else due

    def list_next(self, after: int, most: int) -> list[int]:
        """The next times, at most ``most``."""
        return list(islice(self.iterate(after), most))

    def iterate(self, after: int) -> Iterator[int]:
        """Generate all times after another."""
        due = self.find_next(after)
        while due is not None:
            yield due
            due = self.find_next(due)

    def list_latest(self, since: int, until: int, most: int) -> list[int]:
        """The latest times from ``since`` to ``until``, both included, at most ``most``.

        Looks at ever longer windows: of many times, only a few more than wanted are computed.
        """
        window, found = FIRST_WINDOW_SECONDS, list[int]()
        while True:
            first = max(since, until - window)
            found = self.list_between(first, until)
            if len(found) >= most or first == since:
                return found[-most:]
            window *= WINDOW_FACTOR

    def list_between(self, since: int, until: int) -> list[int]:
        """All times from ``since`` to ``until``, both included."""
        found = list[int]()
        for due in self.iterate(since - 1):
            if due > until:
                break
            found.append(due)
        return found


def read_times(timing: Timing) -> Times:
    """The rule of a timing. Raises ``InvalidField``."""
    if timing.cron:
        return CronTimes(read_cron(timing.cron), read_zone(timing.zone))
    if timing.every:
        return IntervalTimes(timing.every, timing.start or 0)
    return ListedTimes(timing.at)


@lru_cache(maxsize=1_024)
def read_zone(name: str) -> ZoneInfo:
    """The time zone of a name. Raises ``InvalidField``."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise InvalidField(
            "zone", f"{name!r:.60} is not a name of the IANA list, such as Europe/Berlin or UTC"
        ) from None


def find_fire_time(timing: Timing, name: str, due: int) -> float:
    """When a due time is fired: up to ``jitter`` seconds later, always the same for it."""
    if not timing.jitter:
        return due
    digest = blake2b(f"{name} {due}".encode(), digest_size=8).digest()
    return due + round(timing.jitter * int.from_bytes(digest) / 2**64, 3)

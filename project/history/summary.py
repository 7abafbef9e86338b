"""Sums up the history from its roll-ups: how many jobs ended, how long they waited and ran."""

from functools import partial
from typing import Literal, NamedTuple

import msgspec

from project.history.files import list_days_between
from project.history.reading import list_visible, open_query, retry_if_merged
from project.history.tables import BUCKETS_PER_DOUBLING

HOUR_SECONDS = 3_600
MAX_ROWS = 50_000

type Interval = Literal["hour", "day", "all"]
type Grouping = Literal["kind", "status", "kind_status"]

HOURS: dict[Interval, int] = {"hour": 1, "day": 24, "all": 24}
SHORT_HOURS = 48
"""Up to so many hours are one sum of hours, more of days."""

COLUMNS: dict[Grouping, str] = {
    "kind": "kind, '' AS status",
    "status": "'' AS kind, status",
    "kind_status": "kind, status",
}

QUERY = """
WITH counts AS (
    SELECT {start}, {columns}, measure, bucket, sum(count) AS count
    FROM read_parquet(?) AS part WHERE hours = {hours} AND part.hour > ? AND part.hour < ?
    GROUP BY ALL
), sums AS (
    SELECT *, sum(count) OVER (sort ORDER BY bucket) AS upto, sum(count) OVER sort AS total
    FROM counts WINDOW sort AS (PARTITION BY hour, kind, status, measure)
)
SELECT hour, kind, status, max(total) FILTER (measure = 'wait'),
    min(bucket) FILTER (measure = 'wait' AND upto >= 0.5 * total),
    min(bucket) FILTER (measure = 'wait' AND upto >= 0.95 * total),
    min(bucket) FILTER (measure = 'wait' AND upto >= 0.99 * total),
    min(bucket) FILTER (measure = 'run' AND upto >= 0.5 * total),
    min(bucket) FILTER (measure = 'run' AND upto >= 0.95 * total),
    min(bucket) FILTER (measure = 'run' AND upto >= 0.99 * total)
FROM sums GROUP BY hour, kind, status ORDER BY hour, kind, status LIMIT ?
"""


class Durations(msgspec.Struct, frozen=True):
    """Percentiles in seconds, exact to 5 %; null when no job has such a time."""

    p50: float | None
    p95: float | None
    p99: float | None


class Sum(msgspec.Struct, frozen=True):
    """The jobs that ended in an interval, which begins at ``start`` in seconds since 1970.

    ``kind`` or ``status`` is "" when the sum is over all of them. ``wait`` is the time from the
    order to the start of the last attempt, ``run`` that of the last attempt.
    """

    start: float
    kind: str
    status: str
    count: int
    wait: Durations
    run: Durations


class SummaryFilter(NamedTuple):
    """Times in seconds since 1970; the hours or days that have them count as a whole.

    ``interval``: ``all`` makes one sum of all.
    ``tenant``: None for all.
    """

    start: float
    end: float
    by: Grouping = "kind_status"
    interval: Interval = "day"
    tenant: str | None = None


def sum_up(wanted: SummaryFilter) -> list[Sum]:
    """The sums, the oldest first. Raises ``HistoryBusy``."""
    return retry_if_merged(partial(sum_up_once, wanted))


def sum_up_once(wanted: SummaryFilter) -> list[Sum]:
    """``sum_up`` on the files that are there now."""
    days = list_days_between(wanted.start, wanted.end)
    files = [str(file.rollup) for file in list_visible(days, wanted.tenant)]
    if not files:
        return []
    hours = find_hours(wanted)
    begin = int(wanted.start // HOUR_SECONDS)
    start = f"{begin} AS hour" if wanted.interval == "all" else "hour"
    sql = QUERY.format(hours=hours, columns=COLUMNS[wanted.by], start=start)
    first, last = begin - hours, -int(-wanted.end // HOUR_SECONDS)
    with open_query(threads=1) as database:  # small files: more threads cost more
        rows = database.execute(sql, [files, first, last, MAX_ROWS]).fetchall()
    return [
        Sum(
            hour * HOUR_SECONDS,
            kind,
            status,
            int(count),
            Durations(*map(to_seconds, buckets[:3])),
            Durations(*map(to_seconds, buckets[3:])),
        )
        for hour, kind, status, count, *buckets in rows
    ]


def find_hours(wanted: SummaryFilter) -> int:
    """The length of the intervals that are summed up."""
    if wanted.interval == "all" and wanted.end - wanted.start <= SHORT_HOURS * HOUR_SECONDS:
        return 1
    return HOURS[wanted.interval]


def to_seconds(bucket: int | None) -> float | None:
    """The middle of a bucket of a roll-up."""
    return None if bucket is None else round(2 ** (bucket / BUCKETS_PER_DOUBLING) / 1e6, 6)

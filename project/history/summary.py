"""Sums up the history from its roll-ups: how many jobs ended, how long they waited and ran."""

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from typing import Any, Literal, NamedTuple

import msgspec

from project.history.files import list_days_between
from project.history.reading import list_visible, open_query, retry_if_merged
from project.history.tables import BUCKETS_PER_DOUBLING, DURATIONS, rows_in

HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
MICROSECONDS = 1_000_000
MAX_ROWS = 50_000

type Interval = Literal["minute", "hour", "day", "all"]
type Grouping = Literal[
    "kind", "status", "kind_status", "queue", "queue_status", "lane", "lane_status", "tenant",
    "tenant_status"
]  # fmt: skip

SECONDS: dict[Interval, int] = {"minute": 60, "hour": HOUR_SECONDS, "day": DAY_SECONDS}
COLUMNS = ("kind", "status", "queue", "lane", "tenant")
ROLLED_UP = frozenset({"kind", "status", "tenant"})
SHORT_HOURS = 48
"""Up to so many hours are one sum of hours, more of days."""
EXACT_HOURS = 6
"""Up to so many hours are summed up from the rows, to the second."""

OF_ROLLUPS = """
SELECT {start} AS start, {columns}, measure, bucket, sum(count)::BIGINT AS count
FROM read_parquet($files) AS part
WHERE hours = {hours} AND part.hour > $first AND part.hour < $last {conditions} GROUP BY ALL
"""
OF_ROWS = f"""
SELECT {{start}} AS start, {{columns}}, measure, bucket, count(*) AS count
FROM ({DURATIONS.replace("FROM rows", f"FROM {rows_in('$files')}")})
WHERE finished_at >= $first AND finished_at < $last {{conditions}} GROUP BY ALL
"""  # noqa: S608 - constants

QUERY = """
SELECT start, kind, status, queue, lane, tenant,
    list(bucket ORDER BY bucket) FILTER (measure = 'wait'),
    list(count ORDER BY bucket) FILTER (measure = 'wait'),
    list(bucket ORDER BY bucket) FILTER (measure = 'run'),
    list(count ORDER BY bucket) FILTER (measure = 'run')
FROM ({counts}) GROUP BY ALL ORDER BY ALL LIMIT $most
"""


class Durations(msgspec.Struct, frozen=True):
    """Percentiles in seconds, exact to 5 %; null when no job has such a time."""

    p50: float | None
    p95: float | None
    p99: float | None


class Sum(msgspec.Struct, frozen=True):
    """The jobs that ended in an interval, which begins at ``start`` in seconds since 1970.

    ``kind``, ``status``, ``queue``, ``lane`` and ``tenant`` are "" when the sum is over all of
    them. ``wait`` is the time from the order to the start of the last attempt, ``run`` that of the
    last attempt.
    """

    start: float
    kind: str
    status: str
    queue: str
    lane: str
    tenant: str
    count: int
    wait: Durations
    run: Durations


class SummaryFilter(NamedTuple):
    """Times in seconds since 1970; the minutes, hours or days that have them count as a whole.

    ``interval``: ``all`` makes one sum of all. ``tenant``, ``kind``, ``queue`` and ``lane`` are
    None for all.
    """

    start: float
    end: float
    by: Grouping = "kind_status"
    interval: Interval = "day"
    tenant: str | None = None
    kind: str | None = None
    queue: str | None = None
    lane: str | None = None

    @property
    def columns(self) -> list[str]:
        """What the sums are divided by."""
        return self.by.split("_")

    @property
    def values(self) -> dict[str, str]:
        """What the jobs have in common."""
        names = ("tenant", "kind", "queue", "lane")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @property
    def hours(self) -> float:
        """How long the time is."""
        return (self.end - self.start) / HOUR_SECONDS


def sum_up(wanted: SummaryFilter) -> list[Sum]:
    """The sums, the oldest first. Raises ``HistoryBusy``."""
    return retry_if_merged(partial(sum_up_once, wanted))


def sum_up_once(wanted: SummaryFilter) -> list[Sum]:
    """``sum_up`` on the files that are there now."""
    days = list_days_between(wanted.start, wanted.end)
    files = list_visible(days, wanted.tenant)
    if not files:
        return []
    read_rows = is_of_rows(wanted)
    counts, bounds = build_of_rows(wanted) if read_rows else build_of_rollups(wanted)
    values = {
        "files": [str(file.path if read_rows else file.rollup) for file in files],
        "most": MAX_ROWS,
    }
    with open_query(threads=1) as database:  # small files: more threads cost more
        rows = database.execute(QUERY.format(counts=counts), values | bounds).fetchall()
    return [build_sum(row) for row in rows]


def is_of_rows(wanted: SummaryFilter) -> bool:
    """Whether the roll-ups do not know: they have neither minutes nor queues and lanes."""
    is_exact = wanted.interval == "all" and wanted.hours <= EXACT_HOURS
    names = {*wanted.columns, *wanted.values}
    return is_exact or wanted.interval == "minute" or not names <= ROLLED_UP


def build_of_rows(wanted: SummaryFilter) -> tuple[str, dict[str, Any]]:
    """The query of the counts in files of rows, and its values. Times are in microseconds."""
    length = SECONDS.get(wanted.interval, 1)
    first, last = wanted.start // length * length, -(-wanted.end // length) * length
    begins = f"finished_at // {length * MICROSECONDS} * {length}"
    start = f"{int(first)}" if wanted.interval == "all" else begins
    bounds = {"first": int(first * MICROSECONDS), "last": int(last * MICROSECONDS)}
    return fill(OF_ROWS, wanted, start), bounds | wanted.values


def build_of_rollups(wanted: SummaryFilter) -> tuple[str, dict[str, Any]]:
    """The query of the counts in roll-ups, and its values. Times are in hours."""
    is_short = wanted.hours <= SHORT_HOURS
    hours = 1 if wanted.interval == "hour" or (wanted.interval == "all" and is_short) else 24
    begin = int(wanted.start // HOUR_SECONDS)
    start = f"{begin if wanted.interval == 'all' else 'hour'} * {HOUR_SECONDS}"
    bounds = {"first": begin - hours, "last": -int(-wanted.end // HOUR_SECONDS)}
    return fill(OF_ROLLUPS, wanted, start, hours=hours), bounds | wanted.values


def fill(counts: str, wanted: SummaryFilter, start: str, **more: int) -> str:
    """The query of the counts, with what it is divided by and restricted to."""
    columns = [name if name in wanted.columns else f"'' AS {name}" for name in COLUMNS]
    conditions = "".join(f" AND {name} = ${name}" for name in wanted.values)
    return counts.format(start=start, columns=", ".join(columns), conditions=conditions, **more)


def build_sum(row: tuple[Any, ...]) -> Sum:
    """A row of the query."""
    start, kind, status, queue, lane, tenant, *counts = row
    wait, run = Histogram(*counts[:2]), Histogram(*counts[2:])
    durations = wait.find_durations(), run.find_durations()
    return Sum(start, kind, status, queue, lane, tenant, wait.total, *durations)


class Histogram:
    """How many durations are in each bucket, the shortest first; None when there are none."""

    def __init__(self, buckets: Sequence[int] | None, counts: Sequence[int] | None) -> None:
        self._buckets = buckets or ()
        self._upto = list(accumulate(counts or ()))

    @property
    def total(self) -> int:
        """How many there are."""
        return self._upto[-1] if self._upto else 0

    def find_durations(self) -> Durations:
        """The percentiles."""
        return Durations(*map(self._find, (0.5, 0.95, 0.99)))

    def _find(self, share: float) -> float | None:
        if not self._upto:
            return None
        bucket = self._buckets[bisect_left(self._upto, share * self._upto[-1])]
        return round(2 ** (bucket / BUCKETS_PER_DOUBLING) / 1e6, 6)

"""Searches the history: one page of ended jobs, newest end first."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec

from project.history.conditions import HistoryFilter, join_conditions
from project.history.files import HistoryFile, list_days_between
from project.history.reading import list_visible, open_query, retry_if_merged
from project.history.rows import COLUMNS
from project.history.tables import rows_in
from project.logs.whole_log import link_file
from project.records.log_line import LogFile, LogFileLink

MAX_PAGE_BYTES = 16 << 20
"""A page ends after so many bytes of payloads and results."""

type Place = tuple[int, str]
"""Where a page ends: the end of the last job in microseconds since 1970, and its id."""

type RowTuple = tuple[Any, ...]


class ArchivedJob(msgspec.Struct, frozen=True):
    """An ended job in the history. Times are seconds since 1970.

    ``payload`` has ``args`` and ``kwargs``; it is null for kinds that hide their arguments.
    ``errors`` are its last 20 failed attempts. A payload, a result or errors of more than 4 MB are
    null. ``logs`` are the whole logs of attempts that logged more than is kept in Redis.
    """

    id: str
    kind: str
    queue: str
    lane: str
    tenant: str
    status: str
    tags: list[str]
    attempts: int
    max_retries: int
    interruptions: int
    created_at: float
    started_at: float | None
    finished_at: float
    logs: list[LogFileLink]
    error: str
    errors: Any
    payload: Any
    result: Any


class HistoryPage(NamedTuple):
    """Some ended jobs, and where the next page begins; None at the end."""

    jobs: list[ArchivedJob]
    next_place: Place | None


def search(wanted: HistoryFilter, limit: int, place: Place | None = None) -> HistoryPage:
    """Search for at most ``limit`` jobs, after ``place``.

    Raises ``HistoryBusy`` and ``InvalidField``.
    """
    return retry_if_merged(partial(search_once, wanted, limit, place))


def search_once(wanted: HistoryFilter, limit: int, place: Place | None) -> HistoryPage:
    """``search`` on the files that are there now."""
    latest = wanted.finished_before if place is None else place[0] / 1_000_000
    days = list_days_between(wanted.earliest, latest)
    rows: list[RowTuple] = []
    with open_query() as database:
        for some in list_spans(days):
            files = list_visible(some, wanted.tenant)
            if not files:
                continue
            newer = find_reruns(list_days_between(day_start(some[0]), None), wanted.tenant)
            sql, parameters = build_query(files, newer, wanted, place, limit + 1 - len(rows))
            rows += database.execute(sql, parameters).fetchall()
            if len(rows) > limit:
                break
    return build_page(rows, limit)


def list_spans(days: Sequence[str]) -> Iterator[Sequence[str]]:
    """The newest day, then the days before it, in spans that double."""
    end, length = len(days), 1
    while end > 0:
        yield days[max(end - length, 0) : end]
        end, length = end - length, 2 * length


def day_start(day: str) -> float:
    """The first second of a day."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def find_reruns(days: Sequence[str], tenant: str | None) -> list[HistoryFile]:
    """The files with reruns, which replace rows of the same or an earlier day."""
    return [file for file in list_visible(days, tenant) if file.is_again]


def build_query(
    files: Sequence[HistoryFile],
    reruns: Sequence[HistoryFile],
    wanted: HistoryFilter,
    place: Place | None,
    limit: int,
) -> tuple[str, list[Any]]:
    """The SQL of one span of days, and its parameters."""
    condition, parameters = join_conditions(wanted)
    values: list[Any] = [[str(file.path) for file in files], *parameters]
    sql = f"SELECT {', '.join(COLUMNS)} FROM {rows_in('?')} AS rows WHERE {condition}"  # noqa: S608
    if place:
        sql += " AND (finished_at, id) < (?, ?)"
        values += place
    if reruns:
        sql += (
            " AND NOT EXISTS (SELECT 1 FROM read_parquet(?) AS newer"
            " WHERE newer.id = rows.id AND newer.finished_at > rows.finished_at)"
        )
        values.append([str(file.path) for file in reruns])
    return f"{sql} ORDER BY finished_at DESC, id DESC LIMIT ?", [*values, limit]


def build_page(rows: Sequence[RowTuple], limit: int) -> HistoryPage:
    """A page of the rows that fit."""
    jobs: list[ArchivedJob] = []
    size = 0
    for row in rows[:limit]:
        size += sum(len(text or "") for text in row[-4:])
        if jobs and size > MAX_PAGE_BYTES:
            break
        jobs.append(build_job(row))
    if len(jobs) == len(rows):
        return HistoryPage(jobs, None)
    last = dict(zip(COLUMNS, rows[len(jobs) - 1], strict=True))
    return HistoryPage(jobs, (last["finished_at"], last["id"]))


def build_job(row: RowTuple) -> ArchivedJob:
    """A job of a row."""
    value = dict(zip(COLUMNS, row, strict=True))
    for name in ("created_at", "started_at", "finished_at"):
        value[name] = None if value[name] is None else value[name] / 1_000_000
    for name in ("errors", "payload", "result"):
        value[name] = None if value[name] is None else msgspec.json.decode(value[name])
    files = msgspec.json.decode(value["logs"] or "[]", type=list[LogFile])
    value["logs"] = [link_file(file) for file in files]
    return ArchivedJob(**value)

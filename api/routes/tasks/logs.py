"""The route of what a job has logged."""

from time import monotonic
from typing import Annotated, Literal

import msgspec

from api.http.routing import Answer, Request, Router
from api.jobs import records, waiting
from project.celery import app
from project.logs.whole_log import link_file
from project.records.log_line import LEVELS, JobLogLine, LogFileLink
from project.records.record import TaskRecord
from project.store.commands import logs as log_commands
from project.store.commands.logs import StoredLog

PATH = "/tasks/{id}/logs"

LOOK_EVERY_SECONDS = 0.25
"""Seconds between two looks at the log of a job that somebody follows."""

routes = Router()


class LogQuery(msgspec.Struct, frozen=True):
    """Which lines are wanted.

    ``attempt``: only those of this attempt. ``after``: only those after this place, the ``next``
    of an earlier answer. ``level``: only those of this level or above.
    """

    attempt: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    after: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    level: Literal["debug", "info", "warning", "error", "critical"] = "debug"


class JobLog(msgspec.Struct, frozen=True):
    """Lines that a job has logged, oldest first, all that are kept after the place.

    ``next`` is the place to go on from. ``dropped``: bytes of the log after the asked place that
    are no longer kept, because a job keeps its last 64 KB. ``ended``: the job has ended, so no
    line follows, but those of its last 250 milliseconds. ``files``: the whole logs of attempts that
    have ended and have logged more than is kept.
    """

    lines: list[JobLogLine]
    next: int
    dropped: int
    ended: bool
    files: list[LogFileLink]


@routes.get(
    PATH,
    query=LogQuery,
    answers={200: JobLog},
    errors=(404, 503),
    request_headers={
        waiting.PREFER_HEADER: "wait=N: answer when there is a line, or after N seconds (25 at "
        "most)."
    },
    summary="Show what a job has logged",
    description="The lines of `logging`, and of `print` if the kind says `prints=True`. To follow "
    "a job, ask again with `after` and `Prefer: wait=20` until `ended`.",
    tags=["tasks"],
)
async def show_log(request: Request, query: LogQuery) -> Answer:
    """Answer the lines of the log, at once or when there are some."""
    record = await records.fetch_record(request.params["id"], request)
    stored = await app.async_store.run(log_commands.read(record.id, after=query.after))
    seconds = waiting.parse_wait(request)
    if seconds and not has_news(stored, record, query) and not waiting.WAIT_SLOTS.locked():
        async with waiting.WAIT_SLOTS:
            record, stored = await wait_for_lines(record, query, seconds, request)
    lines = [line for line in stored.lines if is_wanted(line, query)]
    files = [link_file(file) for file in stored.files]
    return Answer(JobLog(lines, stored.end, stored.dropped, record.is_final, files))


async def wait_for_lines(
    record: TaskRecord, query: LogQuery, seconds: float, request: Request
) -> tuple[TaskRecord, StoredLog]:
    """The record and the log when there are new lines, or when ``seconds`` are over."""
    end = monotonic() + seconds
    while True:
        record = await records.fetch_record(record.id, request)
        stored = await app.async_store.run(log_commands.read(record.id, after=query.after))
        left = end - monotonic()
        if has_news(stored, record, query) or left <= 0 or request.shutdown.is_set():
            return record, stored
        await waiting.pause(request.shutdown, min(left, LOOK_EVERY_SECONDS))


def has_news(stored: StoredLog, record: TaskRecord, query: LogQuery) -> bool:
    """Whether there is a reason to answer now."""
    return record.is_final or any(is_wanted(line, query) for line in stored.lines)


def is_wanted(line: JobLogLine, query: LogQuery) -> bool:
    """Whether the line has the attempt and the level that were asked for."""
    if query.attempt is not None and line.attempt != query.attempt:
        return False
    return LEVELS.get(line.level, 0) >= LEVELS[query.level]

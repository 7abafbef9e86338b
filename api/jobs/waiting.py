"""``Prefer: wait=N`` (RFC 7240): an answer that waits for the job, not for ever."""

import asyncio
import re
from time import monotonic

from api.http.routing import Request
from project.celery import app
from project.errors import StoreUnavailable
from project.records.record import EventFilter, TaskRecord
from project.store.commands import queries

MAX_WAIT_SECONDS = 25.0
"""Seconds; a handler is cancelled after some more."""

WAIT_SLOTS = asyncio.Semaphore(1_000)
"""Answers that may wait at once; when there are more, a new one does not."""

RETRY_PAUSE_SECONDS = 0.4
"""Seconds until to look again when Redis was out of reach meanwhile."""

PREFER_HEADER = "Prefer"
APPLIED_HEADER = "Preference-Applied"
REQUEST_HEADERS = {
    PREFER_HEADER: "wait=N: answer when the job is final, or after N seconds (25 at most)."
}
ANSWER_HEADERS = {APPLIED_HEADER: "The wait that was kept to."}

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


def parse_wait(request: Request) -> float:
    """Seconds the client is willing to wait; 0 when it did not say so in a way we know."""
    found = _WAIT.search(request.header(PREFER_HEADER))
    return min(float(found[1]), MAX_WAIT_SECONDS) if found else 0.0


async def wait_until_final(
    record: TaskRecord, request: Request
) -> tuple[TaskRecord, dict[str, str]]:
    """The record when it is final, or as it is when the wait is over; and the header for it."""
    seconds = parse_wait(request)
    if not seconds or WAIT_SLOTS.locked():
        return record, {}
    async with WAIT_SLOTS:
        record = await poll_until_final(record, seconds, request.shutdown)
    return record, {APPLIED_HEADER: f"wait={seconds:.0f}"}


async def poll_until_final(
    record: TaskRecord, seconds: float, leaving: asyncio.Event
) -> TaskRecord:
    """The record when it is final, when so many seconds are over, or when this process leaves."""
    end = monotonic() + seconds
    while not record.is_final and (left := end - monotonic()) > 0 and not leaving.is_set():
        try:
            now = await wait_for_change(record, left, leaving)
        except StoreUnavailable:
            break  # the job is there, whatever Redis says now
        if now is None:
            break
        record = now
    return record


async def wait_for_change(
    record: TaskRecord, seconds: float, leaving: asyncio.Event
) -> TaskRecord | None:
    """The record when it is another, or as it is after so many seconds; None when it is gone."""
    async with app.feed.listen(EventFilter(job=record.id)) as listener:
        now = await fetch_record(record.id)
        if now != record:
            return now
        await listener.wait(seconds, leaving)
    if listener.is_cut:
        await pause(leaving, min(seconds, RETRY_PAUSE_SECONDS))
    return await fetch_record(record.id)


async def fetch_record(job_id: str) -> TaskRecord | None:
    """The record as it is."""
    record: TaskRecord | None = await app.async_store.run(queries.read_record(job_id))
    return record


async def pause(leaving: asyncio.Event, seconds: float) -> None:
    """Wait so long, less when this process is about to leave."""
    try:
        async with asyncio.timeout(seconds):
            await leaving.wait()
    except TimeoutError:
        return

"""``Prefer: wait=N`` (RFC 7240): an answer that waits for the job, not for ever."""

import asyncio
import re
from time import monotonic

from api.http.routing import Request
from project.celery import app
from project.errors import StoreUnavailable
from project.records.record import TaskRecord, Wanted
from project.store.commands import queries

LONGEST = 25.0
"""Seconds; a handler is cancelled after some more."""

WAITERS = asyncio.Semaphore(1_000)
"""Answers that may wait at once; when there are more, a new one does not."""

PAUSE = 0.4
"""Seconds until to look again when Redis was out of reach meanwhile."""

HEADER = "Prefer"
APPLIED = "Preference-Applied"
REQUEST_HEADERS = {HEADER: "wait=N: answer when the job is final, or after N seconds (25 at most)."}
ANSWER_HEADERS = {APPLIED: "The wait that was kept to."}

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


def preferred(request: Request) -> float:
    """Seconds the client is willing to wait; 0 when it did not say so in a way we know."""
    found = _WAIT.search(request.header(HEADER))
    return min(float(found[1]), LONGEST) if found else 0.0


async def until_final(record: TaskRecord, request: Request) -> tuple[TaskRecord, dict[str, str]]:
    """The record when it is final, or as it is when the wait is over; and the header for it."""
    seconds = preferred(request)
    if not seconds or WAITERS.locked():
        return record, {}
    async with WAITERS:
        record = await watch(record, seconds, request.leaving)
    return record, {APPLIED: f"wait={seconds:.0f}"}


async def watch(record: TaskRecord, seconds: float, leaving: asyncio.Event) -> TaskRecord:
    """The record when it is final, when so many seconds are over, or when this process leaves."""
    end = monotonic() + seconds
    while not record.is_final and (left := end - monotonic()) > 0 and not leaving.is_set():
        try:
            now = await changed(record, left, leaving)
        except StoreUnavailable:
            break  # the job is there, whatever Redis says now
        if now is None:
            break
        record = now
    return record


async def changed(record: TaskRecord, seconds: float, leaving: asyncio.Event) -> TaskRecord | None:
    """The record when it is another, or as it is after so many seconds; None when it is gone."""
    async with app.feed.listen(Wanted(job=record.id)) as listener:
        now = await read(record.id)
        if now != record:
            return now
        await listener.wait(seconds, leaving)
    if listener.is_cut:
        await rest(leaving, min(seconds, PAUSE))
    return await read(record.id)


async def read(job_id: str) -> TaskRecord | None:
    """The record as it is."""
    record: TaskRecord | None = await app.async_store.run(queries.read(job_id))
    return record


async def rest(leaving: asyncio.Event, seconds: float) -> None:
    """Wait so long, less when this process is about to leave."""
    try:
        async with asyncio.timeout(seconds):
            await leaving.wait()
    except TimeoutError:
        return

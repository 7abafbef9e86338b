"""``Prefer: wait=N`` (RFC 7240): an answer that waits for the job, not for ever."""

import asyncio
import re
from time import monotonic

from api.edge import Request
from project import moves
from project.celery import app
from project.errors import StoreUnavailable
from project.records import TaskRecord

LONGEST = 25.0
"""Seconds; a handler is cancelled after some more."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.4
"""Seconds between two looks: short at first, for jobs that are quick."""

WAITERS = asyncio.Semaphore(200)
"""Answers that may wait at once; when there are more, a new one does not."""

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
    end, pause = monotonic() + seconds, FIRST_PAUSE
    while not record.is_final and (left := end - monotonic()) > 0 and not leaving.is_set():
        await rest(leaving, min(pause, left))
        try:
            now: TaskRecord | None = await app.async_store.run(moves.read(record.id))
        except StoreUnavailable:
            break  # the job is there, whatever Redis says now
        if now is None:
            break
        record = now
        pause = min(pause * 1.3, LONGEST_PAUSE)
    return record


async def rest(leaving: asyncio.Event, seconds: float) -> None:
    """Wait so long, less when this process is about to leave."""
    try:
        async with asyncio.timeout(seconds):
            await leaving.wait()
    except TimeoutError:
        return

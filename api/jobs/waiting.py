"""``Prefer: wait=N`` (RFC 7240): an answer that waits until the job is final, or N seconds."""

import asyncio
import re
from time import monotonic

from api.http.routing import Request
from project.celery import app
from project.errors import StoreUnavailable
from project.records.record import EventFilter, TaskRecord

MAX_WAIT_SECONDS = 25.0
"""The longest wait; it is below ``dispatch.ANSWER_SECONDS``, after which a handler is cancelled."""

WAIT_SLOTS = asyncio.Semaphore(1_000)
"""The number of answers that may wait at the same time; further ones do not wait."""

RETRY_PAUSE_SECONDS = 0.4
"""Seconds before the record is read again after the event feed lost its connection."""

PREFER_HEADER = "Prefer"
APPLIED_HEADER = "Preference-Applied"
REQUEST_HEADERS = {
    PREFER_HEADER: "wait=N: answer when the job is final, or after N seconds (25 at most)."
}
ANSWER_HEADERS = {APPLIED_HEADER: "The wait that was kept to."}

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


def parse_wait(request: Request) -> float:
    """The seconds that the client prefers to wait, at most ``MAX_WAIT_SECONDS``; 0 for no wait."""
    match = _WAIT.search(request.get_header(PREFER_HEADER) or "")
    return min(float(match[1]), MAX_WAIT_SECONDS) if match else 0.0


async def wait_until_final(
    record: TaskRecord, request: Request
) -> tuple[TaskRecord, dict[str, str]]:
    """The record when it is final or the wait is over, and the headers that say so."""
    seconds = parse_wait(request)
    if not seconds or WAIT_SLOTS.locked():
        return record, {}
    async with WAIT_SLOTS:
        record = await poll_until_final(record, seconds, request.shutdown)
    return record, {APPLIED_HEADER: f"wait={seconds:.0f}"}


async def poll_until_final(
    record: TaskRecord, seconds: float, shutdown: asyncio.Event
) -> TaskRecord:
    """The record when it is final, when ``seconds`` are over, or when this process shuts down."""
    end = monotonic() + seconds
    while not record.is_final and (left := end - monotonic()) > 0 and not shutdown.is_set():
        try:
            now = await wait_for_change(record, left, shutdown)
        except StoreUnavailable:
            break  # the job is stored; answer what is known
        if now is None:
            break
        record = now
    return record


async def wait_for_change(
    record: TaskRecord, seconds: float, shutdown: asyncio.Event
) -> TaskRecord | None:
    """The record when it has changed or ``seconds`` are over; None when it is gone."""
    result = app.AsyncResult(record.id)
    async with app.feed.listen(EventFilter(job=record.id)) as listener:
        now: TaskRecord | None = await result.afetch()
        if now != record:
            return now
        await listener.wait(seconds, shutdown)
    if listener.is_closed:
        await pause(shutdown, min(seconds, RETRY_PAUSE_SECONDS))
    latest: TaskRecord | None = await result.afetch()
    return latest


async def pause(shutdown: asyncio.Event, seconds: float) -> None:
    """Wait for ``seconds``, or until this process shuts down."""
    try:
        async with asyncio.timeout(seconds):
            await shutdown.wait()
    except TimeoutError:
        return

"""Events of jobs as Server-Sent Events (HTML standard, section 9.2).

Cello sends a response as a whole, so a stream cannot stay open. Each response ends with the first
events, or after 20 seconds without one. The client asks again with the id of its last event and
misses nothing.
"""

import re
from typing import Annotated, Any, NamedTuple

import msgspec

from api.http.routing import RawResponse, Request, Router
from api.jobs import waiting
from api.jobs.records import require_visible
from api.routes.tasks import tasks
from api.routes.tasks.tasks import FoundTasks, TaskQuery
from project.celery import app
from project.errors import InvalidField, StoreUnavailable
from project.records.record import FINAL_STATUSES, EventFilter, TaskRecord, TaskStatus
from project.store.commands import events as event_commands
from project.store.commands import queries
from project.store.commands.events import EventPage, StoredEvent
from project.store.event_feed import Listener

MEDIA_TYPE = "text/event-stream"
LAST_EVENT_ID_HEADER = "Last-Event-ID"

MAX_WAIT_SECONDS = 20.0
"""How long a response waits for events."""

GATHER_SECONDS = 0.1
"""How long events of several jobs are collected into one response."""

MAX_EVENTS_PER_READ = 1_000
MAX_READS_PER_ANSWER = 20
"""A response reads at most this many batches of events in search of those that match."""

RETRY_MILLISECONDS, SHUTDOWN_RETRY_MILLISECONDS, DEGRADED_RETRY_MILLISECONDS = 0, 500, 2_000
"""SSE retry in milliseconds: normal, while this process shuts down, while Redis has problems."""

EVENT_ID_PATTERN = "[0-9]{1,18}-[0-9]{1,18}"
_IS_EVENT_ID = re.compile(EVENT_ID_PATTERN).fullmatch

routes = Router()


class TaskEventsQuery(msgspec.Struct, frozen=True):
    """The last event that the client has; browsers send it in a header when they reconnect."""

    last_event_id: Annotated[
        str, msgspec.Meta(extra_json_schema={"pattern": f"^({EVENT_ID_PATTERN})?$"})
    ] = ""


class EventsQuery(TaskEventsQuery, frozen=True):
    """The filter of events of all jobs."""

    kind: str = ""
    queue: str = ""
    status: TaskStatus | None = None


class EventBatch(NamedTuple):
    """Events, the id up to which they are complete, and when to ask again (milliseconds)."""

    events: list[StoredEvent]
    place: str
    retry: int = RETRY_MILLISECONDS


EVENTS_ROUTE: Any = {
    "answers": {200: bytes},
    "produces": MEDIA_TYPE,
    "request_headers": {LAST_EVENT_ID_HEADER: "The id of the last event that the client has."},
    "tags": ["events"],
}


@routes.get(
    "/events",
    **EVENTS_ROUTE,
    query=EventsQuery,
    summary="Watch the events of all jobs",
    description="Server-Sent Events. The first is `snapshot`, the newest jobs as `GET /tasks` "
    "lists them; events without a name follow it. `reset` is a new snapshot, sent when the last "
    "event of the client is no longer stored. Each response ends; ask again with the last id.",
)
async def watch_all(request: Request, query: EventsQuery) -> RawResponse:
    """Answer the events of all jobs."""
    after = read_last_event_id(request, query)
    wanted = EventFilter("", query.kind, query.queue, query.status or "", request.tenant)
    try:
        told = await wait_for_events(wanted, after, request, MAX_WAIT_SECONDS) if after else None
        if told is None:
            place, listed = await fetch_snapshot(query, request)
            return build_response(format_block(listed, snapshot_name_of(after), place))
    except StoreUnavailable as problem:
        return build_silent_response(problem)
    return build_response(*map(format_event, told.events), place=told.place, retry=told.retry)


@routes.get(
    "/tasks/{id}/events",
    **EVENTS_ROUTE | {"answers": {200: bytes, 204: None}, "errors": (404, 503)},
    query=TaskEventsQuery,
    summary="Watch a job",
    description="Like `GET /events`; the snapshot is the record. After the job has ended, `end` is "
    "the last event, with the record; the next request is answered 204.",
)
async def watch_one(request: Request, query: TaskEventsQuery) -> RawResponse:
    """Answer the events of a job."""
    after, job_id = read_last_event_id(request, query), request.params["id"]
    try:
        place, found = await app.async_store.run(event_commands.read_with_event_id(job_id))
        record = require_visible(found, job_id, request)
        seconds = 0.0 if record.is_final else MAX_WAIT_SECONDS
        told = (
            await wait_for_events(EventFilter(job=job_id), after, request, seconds)
            if after
            else None
        )
        if told is None:
            return build_response(
                format_block(record, snapshot_name_of(after), place), *build_end_block(record)
            )
        if record.is_final and not told.events:
            return RawResponse(status=204)
        end = await fetch_end_block(told.events)
    except StoreUnavailable as problem:
        return build_silent_response(problem)
    return build_response(*map(format_event, told.events), *end, place=told.place, retry=told.retry)


def read_last_event_id(request: Request, query: TaskEventsQuery) -> str:
    """Return the id of the client's last event, "" for none. Raises ``InvalidField``."""
    said = [request.get_header(LAST_EVENT_ID_HEADER), query.last_event_id or None]
    places = [place for place in said if place is not None]
    if not all(map(_IS_EVENT_ID, places)):
        raise InvalidField(
            "last_event_id", "must be the id of an event; leave it out to start anew"
        )
    return places[0] if places else ""


async def fetch_snapshot(query: EventsQuery, request: Request) -> tuple[str, FoundTasks]:
    """Fetch the id of the newest event, and the jobs as of then or a little later."""
    place = await app.async_store.run(event_commands.read_last_event_id())
    asked = TaskQuery(kind=query.kind, queue=query.queue, status=query.status)
    return place, await tasks.fetch_page(asked, request)


async def wait_for_events(
    wanted: EventFilter, after: str, request: Request, seconds: float
) -> EventBatch | None:
    """Wait for events after ``after``; None when that event is no longer stored."""
    shutdown = request.shutdown
    if not seconds or shutdown.is_set() or waiting.WAIT_SLOTS.locked():
        replay = await catch_up(wanted, after)
        return (
            EventBatch(replay.events, replay.place, SHUTDOWN_RETRY_MILLISECONDS)
            if replay.is_whole
            else None
        )
    async with waiting.WAIT_SLOTS, app.feed.listen(wanted) as listener:
        replay = await catch_up(wanted, after)
        if not replay.is_whole:
            return None
        if replay.is_more:
            return EventBatch(replay.events, replay.place)
        if not replay.events:
            await listener.wait(seconds, shutdown)
        if not wanted.job and (replay.events or listener.events):
            await waiting.pause(shutdown, GATHER_SECONDS)
        return merge_events(
            replay,
            listener,
            SHUTDOWN_RETRY_MILLISECONDS if shutdown.is_set() else RETRY_MILLISECONDS,
        )


async def catch_up(wanted: EventFilter, after: str) -> EventPage:
    """Read the stored events after ``after``: those of the first batch that has any."""
    for _ in range(MAX_READS_PER_ANSWER):
        replay = await app.async_store.run(
            event_commands.replay(after, wanted, most=MAX_EVENTS_PER_READ)
        )
        if replay.events or not (replay.is_whole and replay.is_more):
            break
        after = replay.place
    return replay


def merge_events(replay: EventPage, listener: Listener, retry: int) -> EventBatch:
    """Append the events that were heard since to those that were read."""
    heard = [
        noted for noted in listener.events if sort_key_of(noted.place) > sort_key_of(replay.place)
    ]
    events = [*replay.events, *heard]
    if listener.is_closed and not events:
        retry = DEGRADED_RETRY_MILLISECONDS
    return EventBatch(events, max(replay.place, listener.place, key=sort_key_of), retry)


def sort_key_of(place: str) -> tuple[int, int]:
    """Return the sort key of an event id."""
    milliseconds, _, number = place.partition("-")
    return int(milliseconds), int(number)


async def fetch_end_block(events: list[StoredEvent]) -> list[str]:
    """Build the ``end`` event if the last event ended its job."""
    if not events or events[-1].event.status not in FINAL_STATUSES:
        return []
    record: TaskRecord | None = await app.async_store.run(queries.read_record(events[-1].event.id))
    return build_end_block(record)


def build_end_block(record: TaskRecord | None) -> list[str]:
    """Build the ``end`` event of a job that has ended."""
    return [format_block(record, "end")] if record and record.is_final else []


def snapshot_name_of(after: str) -> str:
    """Return the name of a snapshot: ``reset`` when it replaces events that are not stored."""
    return "reset" if after else "snapshot"


def format_event(noted: StoredEvent) -> str:
    """Format an event for the stream."""
    return format_block(noted.event, place=noted.place)


def format_block(data: Any, name: str = "", place: str = "") -> str:
    """Format the lines of an event; JSON is one line."""
    about = {"id": place, "event": name, "data": msgspec.json.encode(data).decode()}
    return "".join(f"{field}: {value}\n" for field, value in about.items() if value) + "\n"


def build_response(*blocks: str, place: str = "", retry: int = RETRY_MILLISECONDS) -> RawResponse:
    """Build a response. It ends with a block that has only the id ``place``, to resume from."""
    end = f"id: {place}\n\n" if place else ""
    body = f"retry: {retry}\n\n{''.join(blocks)}{end}"
    return RawResponse(body=body, status=200, content_type=MEDIA_TYPE)


def build_silent_response(problem: StoreUnavailable) -> RawResponse:
    """Build a response without events: after an error status a browser would not reconnect."""
    return build_response(f": {problem.reason}\n\n", retry=DEGRADED_RETRY_MILLISECONDS)

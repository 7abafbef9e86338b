"""What happens to jobs, live: Server-Sent Events, as browsers read them (HTML, section 9.2).

Cello sends an answer whole, so none goes on for ever. Each ends when it has something to
say, or after a while; the client asks again with the id of what it had last and misses nothing.
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
"""Seconds an answer waits for something to happen."""

GATHER_SECONDS = 0.1
"""Seconds in which events of many jobs are gathered: else each would be an answer of its own."""

MAX_EVENTS_PER_READ = 1_000
MAX_READS_PER_ANSWER = 20
"""An answer looks at so many events, so often, for those that are wanted."""

RETRY_MILLISECONDS, SHUTDOWN_RETRY_MILLISECONDS, DEGRADED_RETRY_MILLISECONDS = 0, 500, 2_000
"""Milliseconds after which a client asks again: as ever, when this process leaves, when in need."""

EVENT_ID_PATTERN = "[0-9]{1,18}-[0-9]{1,18}"
_IS_EVENT_ID = re.compile(EVENT_ID_PATTERN).fullmatch

routes = Router()


class TaskEventsQuery(msgspec.Struct, frozen=True):
    """From where on; a browser says so itself when it asks again, in a header."""

    last_event_id: Annotated[
        str, msgspec.Meta(extra_json_schema={"pattern": f"^({EVENT_ID_PATTERN})?$"})
    ] = ""


class EventsQuery(TaskEventsQuery, frozen=True):
    """Which events, of all jobs."""

    kind: str = ""
    queue: str = ""
    status: TaskStatus | None = None


class EventBatch(NamedTuple):
    """What happened, up to which place that is all, and when to ask again (milliseconds)."""

    events: list[StoredEvent]
    place: str
    retry: int = RETRY_MILLISECONDS


EVENTS_ROUTE: Any = {
    "answers": {200: bytes},
    "produces": MEDIA_TYPE,
    "request_headers": {LAST_EVENT_ID_HEADER: "The id of the last event that was seen."},
    "tags": ["events"],
}


@routes.get(
    "/events",
    **EVENTS_ROUTE,
    query=EventsQuery,
    summary="Watch what happens to all jobs",
    description="Server-Sent Events. The first is `snapshot`, the newest jobs as `GET /tasks` "
    "lists them; those without a name say what happened since. `reset` is a snapshot again, for "
    "one whose last event is forgotten. Each answer ends; ask again with the last id.",
)
async def watch_all(request: Request, query: EventsQuery) -> RawResponse:
    """Answer what happens to jobs."""
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
    description="As `GET /events`; a snapshot is the record. When the job is final `end` comes "
    "last, with the record, and who asks once more is answered 204.",
)
async def watch_one(request: Request, query: TaskEventsQuery) -> RawResponse:
    """Answer what happens to a job."""
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
    """What the client saw last, "" when nothing. Raises ``InvalidField``."""
    said = [request.get_header(LAST_EVENT_ID_HEADER), query.last_event_id or None]
    places = [place for place in said if place is not None]
    if not all(map(_IS_EVENT_ID, places)):
        raise InvalidField("last_event_id", "is not one that an event had; leave it out")
    return places[0] if places else ""


async def fetch_snapshot(query: EventsQuery, request: Request) -> tuple[str, FoundTasks]:
    """A place in the stream, and the jobs as they were then or a little later."""
    place = await app.async_store.run(event_commands.read_last_event_id())
    asked = TaskQuery(kind=query.kind, queue=query.queue, status=query.status)
    return place, await tasks.fetch_page(asked, request)


async def wait_for_events(
    wanted: EventFilter, after: str, request: Request, seconds: float
) -> EventBatch | None:
    """What happened after a place, when something does; None when that place is forgotten."""
    leaving = request.shutdown
    if not seconds or leaving.is_set() or waiting.WAIT_SLOTS.locked():
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
            await listener.wait(seconds, leaving)
        if not wanted.job and (replay.events or listener.heard):
            await waiting.pause(leaving, GATHER_SECONDS)
        return merge_events(
            replay,
            listener,
            SHUTDOWN_RETRY_MILLISECONDS if leaving.is_set() else RETRY_MILLISECONDS,
        )


async def catch_up(wanted: EventFilter, after: str) -> EventPage:
    """What happened after a place, by now; or the first of it."""
    for _ in range(MAX_READS_PER_ANSWER):
        replay = await app.async_store.run(
            event_commands.replay(after, wanted, most=MAX_EVENTS_PER_READ)
        )
        if replay.events or not (replay.is_whole and replay.is_more):
            break
        after = replay.place
    return replay


def merge_events(replay: EventPage, listener: Listener, retry: int) -> EventBatch:
    """What was replayed, and what was heard since."""
    heard = [
        noted for noted in listener.heard if sort_key_of(noted.place) > sort_key_of(replay.place)
    ]
    events = [*replay.events, *heard]
    if listener.is_cut and not events:
        retry = DEGRADED_RETRY_MILLISECONDS
    return EventBatch(events, max(replay.place, listener.place, key=sort_key_of), retry)


def sort_key_of(place: str) -> tuple[int, int]:
    """What the places in the stream are ordered by."""
    milliseconds, _, number = place.partition("-")
    return int(milliseconds), int(number)


async def fetch_end_block(events: list[StoredEvent]) -> list[str]:
    """The end, when what happened last was one."""
    if not events or events[-1].event.status not in FINAL_STATUSES:
        return []
    record: TaskRecord | None = await app.async_store.run(queries.read_record(events[-1].event.id))
    return build_end_block(record)


def build_end_block(record: TaskRecord | None) -> list[str]:
    """The last event of a job that is final."""
    return [format_block(record, "end")] if record and record.is_final else []


def snapshot_name_of(after: str) -> str:
    """What a snapshot is called: whether it takes the place of what is forgotten."""
    return "reset" if after else "snapshot"


def format_event(noted: StoredEvent) -> str:
    """An event as it is sent."""
    return format_block(noted.event, place=noted.place)


def format_block(data: Any, name: str = "", place: str = "") -> str:
    """The lines of an event; JSON is one line."""
    about = {"id": place, "event": name, "data": msgspec.json.encode(data).decode()}
    return "".join(f"{field}: {value}\n" for field, value in about.items() if value) + "\n"


def build_response(*blocks: str, place: str = "", retry: int = RETRY_MILLISECONDS) -> RawResponse:
    """An answer. The ``place`` at its end tells nobody but says where to go on."""
    end = f"id: {place}\n\n" if place else ""
    body = f"retry: {retry}\n\n{''.join(blocks)}{end}"
    return RawResponse(body=body, status=200, content_type=MEDIA_TYPE)


def build_silent_response(problem: StoreUnavailable) -> RawResponse:
    """An answer that says nothing: to an error a browser would not come back."""
    return build_response(f": {problem.reason}\n\n", retry=DEGRADED_RETRY_MILLISECONDS)

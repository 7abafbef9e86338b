"""What happens to jobs, live: Server-Sent Events, as browsers read them (HTML, section 9.2).

Cello sends an answer whole, so none goes on for ever. Each ends when it has something to
say, or after a while; the client asks again with the id of what it had last and misses nothing.
"""

import re
from typing import Annotated, Any, NamedTuple

import msgspec
from cello import Response

from api.http.routing import Request, Router
from api.jobs import tenants, waiting
from api.routes.tasks import tasks
from api.routes.tasks.tasks import FoundTasks, TaskQuery
from project.celery import app
from project.errors import InvalidField, StoreUnavailable
from project.records.record import FINAL, TaskRecord, TaskStatus, Wanted
from project.store.commands import events as event_commands
from project.store.commands import queries
from project.store.commands.events import Noted, Replay
from project.store.event_feed import Listener

MEDIA_TYPE = "text/event-stream"
HEADER = "Last-Event-ID"

LONGEST = 20.0
"""Seconds an answer waits for something to happen."""

GATHER = 0.1
"""Seconds in which events of many jobs are gathered: else each would be an answer of its own."""

MOST_AT_ONCE = 1_000
MOST_STEPS = 20
"""An answer looks at so many events, so often, for those that are wanted."""

AT_ONCE, SOON, LATER = 0, 500, 2_000
"""Milliseconds after which a client asks again: as ever, when this process leaves, when in need."""

PLACE = "[0-9]{1,18}-[0-9]{1,18}"
_PLACE = re.compile(PLACE).fullmatch

routes = Router()


class TaskEventsQuery(msgspec.Struct, frozen=True):
    """From where on; a browser says so itself when it asks again, in a header."""

    last_event_id: Annotated[str, msgspec.Meta(extra_json_schema={"pattern": f"^({PLACE})?$"})] = ""


class EventsQuery(TaskEventsQuery, frozen=True):
    """Which events, of all jobs."""

    kind: str = ""
    queue: str = ""
    status: TaskStatus | None = None


class Told(NamedTuple):
    """What happened, up to which place that is all, and when to ask again (milliseconds)."""

    events: list[Noted]
    place: str
    retry: int = AT_ONCE


ROUTE: Any = {
    "answers": {200: bytes},
    "produces": MEDIA_TYPE,
    "request_headers": {HEADER: "The id of the last event that was seen."},
    "tags": ["events"],
}


@routes.get(
    "/events",
    **ROUTE,
    query=EventsQuery,
    summary="Watch what happens to all jobs",
    description="Server-Sent Events. The first is `snapshot`, the newest jobs as `GET /tasks` "
    "lists them; those without a name say what happened since. `reset` is a snapshot again, for "
    "one whose last event is forgotten. Each answer ends; ask again with the last id.",
)
async def watch_all(request: Request, query: EventsQuery) -> Response:
    """Answer what happens to jobs."""
    after = place_of(request, query)
    wanted = Wanted("", query.kind, query.queue, query.status or "", request.tenant)
    try:
        told = await tell(wanted, after, request, LONGEST) if after else None
        if told is None:
            place, listed = await look(query, request)
            return sse(block(listed, name_of(after), place))
    except StoreUnavailable as problem:
        return silence(problem)
    return sse(*map(block_of, told.events), place=told.place, retry=told.retry)


@routes.get(
    "/tasks/{id}/events",
    **ROUTE | {"answers": {200: bytes, 204: None}, "errors": (404, 503)},
    query=TaskEventsQuery,
    summary="Watch a job",
    description="As `GET /events`; a snapshot is the record. When the job is final `end` comes "
    "last, with the record, and who asks once more is answered 204.",
)
async def watch_one(request: Request, query: TaskEventsQuery) -> Response:
    """Answer what happens to a job."""
    after, job_id = place_of(request, query), request.params["id"]
    try:
        place, found = await app.async_store.run(event_commands.look(job_id))
        record = tenants.required(found, job_id, request)
        seconds = 0.0 if record.is_final else LONGEST
        told = await tell(Wanted(job=job_id), after, request, seconds) if after else None
        if told is None:
            return sse(block(record, name_of(after), place), *end_of(record))
        if record.is_final and not told.events:
            return Response(status=204)
        end = await ending(told.events)
    except StoreUnavailable as problem:
        return silence(problem)
    return sse(*map(block_of, told.events), *end, place=told.place, retry=told.retry)


def place_of(request: Request, query: TaskEventsQuery) -> str:
    """What the client saw last, "" when nothing. Raises ``InvalidField``."""
    said = [request.sent(HEADER), query.last_event_id or None]
    places = [place for place in said if place is not None]
    if not all(map(_PLACE, places)):
        raise InvalidField("last_event_id", "is not one that an event had; leave it out")
    return places[0] if places else ""


async def look(query: EventsQuery, request: Request) -> tuple[str, FoundTasks]:
    """A place in the stream, and the jobs as they were then or a little later."""
    place = await app.async_store.run(event_commands.last_place())
    asked = TaskQuery(kind=query.kind, queue=query.queue, status=query.status)
    return place, await tasks.find(asked, request)


async def tell(wanted: Wanted, after: str, request: Request, seconds: float) -> Told | None:
    """What happened after a place, when something does; None when that place is forgotten."""
    leaving = request.leaving
    if not seconds or leaving.is_set() or waiting.WAITERS.locked():
        replay = await catch_up(wanted, after)
        return Told(replay.events, replay.place, SOON) if replay.is_whole else None
    async with waiting.WAITERS, app.feed.listen(wanted) as listener:
        replay = await catch_up(wanted, after)
        if not replay.is_whole:
            return None
        if replay.is_more:
            return Told(replay.events, replay.place)
        if not replay.events:
            await listener.wait(seconds, leaving)
        if not wanted.job and (replay.events or listener.heard):
            await waiting.rest(leaving, GATHER)
        return both(replay, listener, SOON if leaving.is_set() else AT_ONCE)


async def catch_up(wanted: Wanted, after: str) -> Replay:
    """What happened after a place, by now; or the first of it."""
    for _ in range(MOST_STEPS):
        replay = await app.async_store.run(event_commands.replay(after, wanted, most=MOST_AT_ONCE))
        if replay.events or not (replay.is_whole and replay.is_more):
            break
        after = replay.place
    return replay


def both(replay: Replay, listener: Listener, retry: int) -> Told:
    """What was replayed, and what was heard since."""
    heard = [noted for noted in listener.heard if order(noted.place) > order(replay.place)]
    events = [*replay.events, *heard]
    if listener.is_cut and not events:
        retry = LATER
    return Told(events, max(replay.place, listener.place, key=order), retry)


def order(place: str) -> tuple[int, int]:
    """What the places in the stream are ordered by."""
    milliseconds, _, number = place.partition("-")
    return int(milliseconds), int(number)


async def ending(events: list[Noted]) -> list[str]:
    """The end, when what happened last was one."""
    if not events or events[-1].event.status not in FINAL:
        return []
    record: TaskRecord | None = await app.async_store.run(queries.read(events[-1].event.id))
    return end_of(record)


def end_of(record: TaskRecord | None) -> list[str]:
    """The last event of a job that is final."""
    return [block(record, "end")] if record and record.is_final else []


def name_of(after: str) -> str:
    """What a snapshot is called: whether it takes the place of what is forgotten."""
    return "reset" if after else "snapshot"


def block_of(noted: Noted) -> str:
    """An event as it is sent."""
    return block(noted.event, place=noted.place)


def block(data: Any, name: str = "", place: str = "") -> str:
    """The lines of an event; JSON is one line."""
    about = {"id": place, "event": name, "data": msgspec.json.encode(data).decode()}
    return "".join(f"{field}: {value}\n" for field, value in about.items() if value) + "\n"


def sse(*blocks: str, place: str = "", retry: int = AT_ONCE) -> Response:
    """An answer. The ``place`` at its end tells nobody but says where to go on."""
    end = f"id: {place}\n\n" if place else ""
    body = f"retry: {retry}\n\n{''.join(blocks)}{end}"
    return Response(body=body, status=200, content_type=MEDIA_TYPE)


def silence(problem: StoreUnavailable) -> Response:
    """An answer that says nothing: to an error a browser would not come back."""
    return sse(f": {problem.reason}\n\n", retry=LATER)

"""Server-Sent Events as the API sends them: whole answers, each with the pause before the next."""

from typing import Any, Literal, NamedTuple, cast

import msgspec

MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.05, 10.0

EventName = Literal["snapshot", "change", "reset", "end"]


class Event(NamedTuple):
    """An event.

    ``snapshot`` comes first: the record, or the newest records. ``change`` is a change of a job.
    ``reset`` is a new snapshot, when the API has not kept all events since the last one. ``end`` is
    the final record. ``id`` is what a later call continues after; "" for none.
    """

    name: EventName
    id: str
    data: dict[str, Any]


class EventBatch(NamedTuple):
    """The events of an answer, the id to continue after, and the pause in seconds."""

    events: list[Event]
    last_id: str
    pause: float


def parse_events(text: str) -> EventBatch:
    """The events in the text of an answer; ``last_id`` is "" when it names none."""
    events, last_id, pause = [], "", 0.0
    for block in filter(None, text.split("\n\n")):
        lines = dict(line.partition(": ")[::2] for line in block.split("\n"))
        last_id = lines.get("id", last_id)
        if lines.get("retry", "").isdecimal():
            pause = int(lines["retry"]) / 1_000
        if "data" in lines:
            name = cast("EventName", lines.get("event", "change"))
            events.append(Event(name, lines.get("id", ""), msgspec.json.decode(lines["data"])))
    return EventBatch(events, last_id, min(max(pause, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS))

"""What happened to jobs, and from where on."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from project.records.labels import parse_label
from project.records.record import Event, EventFilter, TaskRecord, TaskStatus
from project.store.commands.command import Command, Field, decode_text
from project.store.commands.queries import (
    ERRORS_FIELD,
    RECORD_FIELDS,
    parse_detailed_record,
    parse_progress,
)


class StoredEvent(NamedTuple):
    """An event and its place in the stream of all events, which is Redis's own id for it."""

    place: str
    event: Event


class EventPage(NamedTuple):
    """What happened after a place in the stream, looked at up to ``place``.

    Not ``is_whole``: some of it is forgotten. ``is_more``: there may be more to look at.
    """

    events: list[StoredEvent]
    place: str
    is_whole: bool
    is_more: bool


def read_with_event_id(job_id: str) -> Command[tuple[str, TaskRecord | None]]:
    """A record, and the place of the last event that it knows of."""

    def parse(answer: list[Field]) -> tuple[str, TaskRecord | None]:
        place, *values = answer
        return decode_text(place), parse_detailed_record(job_id, values)

    return Command("events/look", (job_id, *RECORD_FIELDS, ERRORS_FIELD), parse)


def read_last_event_id() -> Command[str]:
    """The place of the last event."""
    return Command("events/look", ("", "kind"), lambda answer: decode_text(answer[0]))


def replay(place: str, wanted: EventFilter, *, most: int) -> Command[EventPage]:
    """The events after ``place`` that are wanted, among the next ``most``."""

    def parse(answer: list[Any]) -> EventPage:
        whole, more, end, *found = answer
        return EventPage(
            [parse_stored_event(*item) for item in found], decode_text(end), bool(whole), bool(more)
        )

    return Command("events/replay", (place, most, *wanted), parse)


def parse_stored_event(place: bytes, fields: Sequence[bytes]) -> StoredEvent:
    """An event from its place and its names and values in turn."""
    field = dict(zip(fields[::2], fields[1::2], strict=True))
    label = parse_label(decode_text(field[b"kind"]))
    event = Event(
        id=decode_text(field[b"id"]),
        kind=label.kind,
        queue=label.queue,
        status=TaskStatus(decode_text(field[b"status"])),
        attempts=int(field[b"attempts"]),
        at=int(place.partition(b"-")[0]) / 1000,
        progress=parse_progress(field.get(b"progress")),
        tenant=label.tenant,
    )
    return StoredEvent(place.decode(), event)

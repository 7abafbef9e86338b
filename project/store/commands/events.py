"""Commands that read the stream of events."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from project.records.record import Event, EventFilter, TaskRecord, TaskStatus
from project.store.commands.command import Command, Field, decode_text, encode_json
from project.store.commands.queries import (
    DETAIL_FIELDS,
    parse_detailed_record,
    parse_progress,
)


class StoredEvent(NamedTuple):
    """An event and its place in the stream of all events: the id that Redis gave it."""

    place: str
    event: Event


class EventPage(NamedTuple):
    """The events after a place in the stream; ``place`` is that of the last one scanned.

    ``is_whole`` is false when some of them are trimmed. ``is_more``: there may be more to scan.
    """

    events: list[StoredEvent]
    place: str
    is_whole: bool
    is_more: bool


def read_with_event_id(job_id: str) -> Command[tuple[str, TaskRecord | None]]:
    """A record, and the place of the last event that it includes."""

    def parse(answer: list[Field]) -> tuple[str, TaskRecord | None]:
        place, *values = answer
        return decode_text(place), parse_detailed_record(job_id, values)

    return Command("events/read_with_event_id", (job_id, *DETAIL_FIELDS), parse)


def read_last_event_id() -> Command[str]:
    """The place of the last event; ``0-0`` when there is none."""
    return Command("events/read_with_event_id", ("", "kind"), lambda answer: decode_text(answer[0]))


def replay(place: str, wanted: EventFilter, *, most: int) -> Command[EventPage]:
    """The events after ``place`` that match, among the next ``most``."""
    conditions = {name: value for name, value in wanted._asdict().items() if value}

    def parse(answer: list[Any]) -> EventPage:
        whole, more, end, *found = answer
        return EventPage(
            [parse_stored_event(*item) for item in found], decode_text(end), bool(whole), bool(more)
        )

    return Command("events/replay", (place, most, encode_json(conditions)), parse)


def parse_stored_event(place: bytes, fields: Sequence[bytes]) -> StoredEvent:
    """An event from its place and its names and values in turn."""
    field = dict(zip(fields[::2], fields[1::2], strict=True))
    event = Event(
        id=decode_text(field[b"id"]),
        kind=decode_text(field[b"kind"]),
        queue=decode_text(field[b"queue"]),
        status=TaskStatus(decode_text(field[b"status"])),
        attempts=int(field[b"attempts"]),
        at=int(place.partition(b"-")[0]) / 1000,
        progress=parse_progress(field.get(b"progress")),
        tenant=decode_text(field.get(b"tenant")),
        breaker=decode_text(field.get(b"breaker")),
        cause=decode_text(field.get(b"cause")),
        news=decode_text(field.get(b"news")),
    )
    return StoredEvent(place.decode(), event)

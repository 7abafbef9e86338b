"""What happened to jobs, and from where on."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from project.records.labels import read_label
from project.records.record import Event, TaskRecord, TaskStatus, Wanted
from project.store.commands.command import Command, Field, text
from project.store.commands.queries import ERRORS, FIELDS, progress_of, whole_record


class Noted(NamedTuple):
    """An event and its place in the stream of all events, which is Redis's own id for it."""

    place: str
    event: Event


class Replay(NamedTuple):
    """What happened after a place in the stream, looked at up to ``place``.

    Not ``is_whole``: some of it is forgotten. ``is_more``: there may be more to look at.
    """

    events: list[Noted]
    place: str
    is_whole: bool
    is_more: bool


def look(job_id: str) -> Command[tuple[str, TaskRecord | None]]:
    """A record, and the place of the last event that it knows of."""

    def parse(answer: list[Field]) -> tuple[str, TaskRecord | None]:
        place, *values = answer
        return text(place), whole_record(job_id, values)

    return Command("events/look", (job_id, *FIELDS, ERRORS), parse)


def last_place() -> Command[str]:
    """The place of the last event."""
    return Command("events/look", ("", "kind"), lambda answer: text(answer[0]))


def replay(place: str, wanted: Wanted, *, most: int) -> Command[Replay]:
    """The events after ``place`` that are wanted, among the next ``most``."""

    def parse(answer: list[Any]) -> Replay:
        whole, more, end, *found = answer
        return Replay([noted_of(*item) for item in found], text(end), bool(whole), bool(more))

    return Command("events/replay", (place, most, *wanted), parse)


def noted_of(place: bytes, fields: Sequence[bytes]) -> Noted:
    """An event from its place and its names and values in turn."""
    field = dict(zip(fields[::2], fields[1::2], strict=True))
    label = read_label(text(field[b"kind"]))
    event = Event(
        id=text(field[b"id"]),
        kind=label.kind,
        queue=label.queue,
        status=TaskStatus(text(field[b"status"])),
        attempts=int(field[b"attempts"]),
        at=int(place.partition(b"-")[0]) / 1000,
        progress=progress_of(field.get(b"progress")),
        tenant=label.tenant,
    )
    return Noted(place.decode(), event)

"""The record of a job, its events, and what else Redis answers with."""

from collections.abc import Iterator
from typing import Any

import msgspec

from benchmarks.parts import table
from project.records.record import (
    CELERY_STATE,
    DEFAULT_MAX_RETRIES,
    FINAL,
    MAX_BACKOFF,
    Estimate,
    Event,
    Failure,
    Progress,
    Queue,
    Running,
    ShownTask,
    TaskRecord,
    TaskStatus,
    Worker,
    backoff,
)
from tests.reference.prose import listed, page, sections
from tests.reference.shapes import described

SHAPES = (TaskRecord, ShownTask, Failure, Progress, Estimate, Event, Queue, Worker, Running)


def make_statuses() -> str:
    """Where a job can be."""
    return table(("status", "Celery calls it", "final"), statuses())


def make_retries() -> str:
    """How often and when a job is tried."""
    delays = listed(backoff(attempt) for attempt in range(1, 7))
    return (
        f"A job has {DEFAULT_MAX_RETRIES} attempts when nobody says otherwise. "
        f"After each that fails it waits:\n{delays} seconds, and {MAX_BACKOFF} from then on."
    )


def make_shapes() -> str:
    """What Redis and the API answer with."""
    return page(*sections(2, ((shape.__name__, described(schema)) for shape, schema in schemas())))


def statuses() -> Iterator[tuple[str, str, str]]:
    """Every status, Celery's word for it, and whether it stays."""
    for status in TaskStatus:
        yield f"`{status}`", f"`{CELERY_STATE[status]}`", "yes" if status in FINAL else ""


def schemas() -> Iterator[tuple[type, dict[str, Any]]]:
    """Each type with its JSON Schema."""
    _, components = msgspec.json.schema_components(
        SHAPES, ref_template="#/components/schemas/{name}"
    )
    for shape in SHAPES:
        yield shape, components[shape.__name__]

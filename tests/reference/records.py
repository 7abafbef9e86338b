"""The record of a job, its events, and the other types that Redis answers with."""

from collections.abc import Iterator
from typing import Any

import msgspec

from benchmarks.support.page_parts import format_table
from project.records.record import (
    CELERY_STATE,
    DEFAULT_MAX_RETRIES,
    FINAL_STATUSES,
    MAX_BACKOFF_SECONDS,
    Estimate,
    Event,
    Failure,
    NodePlace,
    Origin,
    Progress,
    Queue,
    Running,
    ShownTask,
    Step,
    TaskRecord,
    TaskStatus,
    Wait,
    Worker,
    WorkerLoad,
    compute_backoff,
)
from tests.reference.prose import format_sections, format_values, join_parts
from tests.reference.shapes import describe_schema

SHAPES = (
    TaskRecord,
    ShownTask,
    NodePlace,
    Origin,
    Failure,
    Step,
    Wait,
    Progress,
    Estimate,
    Event,
    Queue,
    Worker,
    WorkerLoad,
    Running,
)


def make_statuses() -> str:
    """The table of the statuses."""
    return format_table(("status", "Celery calls it", "final"), list_statuses())


def make_retries() -> str:
    """How often and when a job is retried."""
    delays = format_values(compute_backoff(attempt) for attempt in range(1, 7))
    return (
        f"A job has {DEFAULT_MAX_RETRIES} attempts by default. "
        f"After each that fails it waits:\n{delays} seconds, "
        f"and {MAX_BACKOFF_SECONDS} from then on."
    )


def make_shapes() -> str:
    """The types that Redis and the API return."""
    return join_parts(
        *format_sections(
            2, ((shape.__name__, describe_schema(schema)) for shape, schema in list_schemas())
        )
    )


def list_statuses() -> Iterator[tuple[str, str, str]]:
    """Every status with Celery's state and whether it is final."""
    for status in TaskStatus:
        yield f"`{status}`", f"`{CELERY_STATE[status]}`", "yes" if status in FINAL_STATUSES else ""


def list_schemas() -> Iterator[tuple[type, dict[str, Any]]]:
    """Each type with its JSON Schema."""
    _, components = msgspec.json.schema_components(
        SHAPES, ref_template="#/components/schemas/{name}"
    )
    for shape in SHAPES:
        yield shape, components[shape.__name__]

"""Rows of the history, made of the fields of records. The only place that names the columns."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from project.records.record import FINAL_STATUSES
from project.store.commands.command import Field, decode_json, decode_text, restore_objects

MAX_VALUE_BYTES = 4 << 20
"""A payload, result or list of errors that is larger is not kept."""

COLUMNS = {
    "id": "VARCHAR",
    "kind": "VARCHAR",
    "queue": "VARCHAR",
    "lane": "VARCHAR",
    "tenant": "VARCHAR",
    "status": "VARCHAR",
    "tags": "VARCHAR[]",
    "attempts": "INTEGER",
    "max_retries": "INTEGER",
    "interruptions": "INTEGER",
    "created_at": "BIGINT",
    "started_at": "BIGINT",
    "finished_at": "BIGINT",
    "logs": "VARCHAR",
    "error": "VARCHAR",
    "errors": "VARCHAR",
    "payload": "VARCHAR",
    "result": "VARCHAR",
}
"""The columns and their types. Times are microseconds since 1970; ``logs`` and the last three are
JSON."""

FIELDS = (*(name for name in COLUMNS if name not in {"id", "logs"}), "rerun_id")
"""The fields of a record that a row is made of."""


class Row(NamedTuple):
    """One ended job. ``ended_at`` is its end as the record has it, in seconds since 1970."""

    values: dict[str, Any]
    ended_at: str
    is_again: bool


def build_row(job_id: str, field: Mapping[str, Field], shown_kinds: frozenset[str]) -> Row | None:
    """The row of a record; None when there is no record, or the job has not ended (any more).

    Only kinds in ``shown_kinds`` keep their payload: those of others may be secret.
    """
    ended_at = decode_text(field["finished_at"])
    if not ended_at or decode_text(field["status"]) not in FINAL_STATUSES:
        return None
    kind = decode_text(field["kind"])
    values: dict[str, Any] = {
        name: decode_text(field[name]) for name in ("queue", "lane", "tenant", "status")
    }
    values |= {"id": job_id, "kind": kind, "error": decode_text(field["error"])}
    for name in ("attempts", "max_retries", "interruptions"):
        values[name] = int(field[name] or 0)
    for name in ("created_at", "started_at", "finished_at"):
        values[name] = parse_microseconds(field[name])
    tags = decode_json(field["tags"])
    values["tags"] = [str(tag) for tag in tags] if isinstance(tags, list) else []
    values["errors"] = format_lines(field["errors"])
    values["logs"] = format_lines(field["logs"])
    values["payload"] = format_payload(field["payload"]) if kind in shown_kinds else None
    values["result"] = format_value(field["result"])
    return Row(values, ended_at, bool(field["rerun_id"]))


def parse_microseconds(value: Field) -> int | None:
    """A stored time as whole microseconds."""
    return round(float(value) * 1_000_000) if value else None


def format_payload(value: Field) -> str | None:
    """The arguments of a job as ``{"args": [...], "kwargs": {...}}``."""
    if not value or len(value) > MAX_VALUE_BYTES:
        return None
    arguments = restore_objects(decode_json(value))
    if not (isinstance(arguments, list) and len(arguments) >= 2):  # noqa: PLR2004 - args and kwargs
        return None
    return msgspec.json.encode({"args": arguments[0], "kwargs": arguments[1]}).decode()


def format_value(value: Field) -> str | None:
    """A stored JSON value; one that is no JSON as text."""
    if not value or len(value) > MAX_VALUE_BYTES:
        return None
    return msgspec.json.encode(decode_json(value)).decode()


def format_lines(value: Field) -> str | None:
    """Stored lines of JSON as one array; None for none."""
    lines = [decode_json(line) for line in (value or b"").splitlines()]
    return msgspec.json.encode(lines).decode() if lines else None

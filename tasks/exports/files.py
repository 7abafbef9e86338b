"""Exports as files: what may be asked for, ordered from the press, kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from project.artifacts import links
from project.errors import InvalidField
from project.settings.values import settings
from tasks.rendering.definitions import named_queries, report_types
from tasks.rendering.definitions.filters import checked
from tasks.rendering.definitions.parameters import spelled
from tasks.rendering.definitions.schema import Limits, Order, Origin, Output
from tasks.rendering.follow_up_mail import About
from tasks.rendering.process import Listener, pressed

OUTPUTS: tuple[Output, ...] = ("csv", "parquet", "xlsx", "json")
SECONDS = 600
"""The most an export may take."""


class Wanted(NamedTuple):
    """Rows to export: a query and checked filters."""

    name: str
    home: Path
    origin: Origin
    sql: str
    filters: dict[str, Any]


def wanted(filters: Mapping[str, Any], report_type: str, source: str, query: str) -> Wanted:
    """The rows of a type's report.sql, or of a named query. Raises ``InvalidField``."""
    if bool(report_type) == bool(source or query):
        raise InvalidField("type", "give either type, or source and query")
    if report_type:
        kind = report_types.find(report_type)
        origin = kind.definition.origin
        return Wanted(kind.name, kind.home, origin, kind.sql, checked(origin.parameters, filters))
    found = named_queries.find(source, query)
    name = f"{found.source}-{found.name}"
    values = checked(found.origin.parameters, filters)
    return Wanted(name, found.home, found.origin, found.sql, values)


def build(asked: Wanted, output: Output, heard: Listener = lambda _: None) -> dict[str, Any]:
    """Make and keep the file; what the job's result says.

    Raises ``TransientError`` when the press ran out of time, memory or disk or was killed,
    ``PermanentError`` when the query is wrong.
    """
    with links.workshop() as folder:
        made = pressed(ordered(asked, output, folder), heard)
        file = folder / made.files[output]
        artifact = links.keep(file, file.name)
        described = links.described(artifact, file)
    return {"export": asked.name, "rows": made.rows, **described}


def about(asked: Wanted, result: Mapping[str, Any]) -> About:
    """What a result tells of, in words."""
    facts = spelled(asked.origin.parameters, asked.filters)
    return About(asked.origin.title, facts, result["rows"])


def ordered(asked: Wanted, output: Output, folder: Path) -> Order:
    """The order for the press."""
    limits = Limits(seconds=SECONDS)
    return Order(
        name=asked.name,
        origin=msgspec.structs.replace(asked.origin, limits=limits),
        sql=asked.sql,
        filters=asked.filters,
        outputs=[output],
        home=str(asked.home),
        folder=str(folder),
        demo_dir=str(settings().data_dir / "demo"),
        database_url=settings().database_url,
    )

"""Resolves an export to a query, renders its rows and stores the file as an artifact."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from project.artifacts import links
from project.errors import InvalidField
from project.settings.values import get_settings
from tasks.rendering.definitions import named_queries, report_types
from tasks.rendering.definitions.filters import check_values
from tasks.rendering.definitions.parameters import format_all_filters
from tasks.rendering.definitions.schema import (
    Limits,
    Origin,
    Output,
    ProgressListener,
    RenderOrder,
)
from tasks.rendering.follow_up_mail import ResultSummary
from tasks.rendering.process import describe_reading, run_render_process
from tasks.rendering.settings import get_rendering_settings

OUTPUTS: tuple[Output, ...] = ("csv", "parquet", "xlsx", "json")
MAX_EXPORT_SECONDS = 600
"""Time limit of the render process for an export."""


class ExportSpec(NamedTuple):
    """The rows to export: a query with checked filters. ``home`` is the folder of its type."""

    name: str
    home: Path
    origin: Origin
    sql: str
    filters: dict[str, Any]


def resolve_export(
    filters: Mapping[str, Any], report_type: str, source: str, query: str
) -> ExportSpec:
    """Find the query of a report type, or a named query of a source. Raises ``InvalidField``."""
    if bool(report_type) == bool(source or query):
        raise InvalidField("type", "give either type, or source and query")
    if report_type:
        found = report_types.find_type(report_type)
        return _build_spec(found.name, found.home, found.definition.origin, found.sql, filters)
    named = named_queries.find_query(source, query)
    name = f"{named.source}-{named.name}"
    return _build_spec(name, named.home, named.origin, named.sql, filters)


def build_export(
    spec: ExportSpec, output: Output, on_progress: ProgressListener = lambda _: None
) -> dict[str, Any]:
    """Render and store the file; return the result of the job.

    Raises ``TransientError`` when the render process ran out of time, memory or disk or was
    killed, and ``PermanentError`` when the query is wrong.
    """
    with links.open_workshop() as folder:
        rendered = run_render_process(build_export_order(spec, output, folder), on_progress)
        file = folder / rendered.files[output]
        artifact = links.store_artifact(file, file.name)
        description = links.describe_artifact(artifact, file)
    reading = describe_reading(rendered)
    return {"export": spec.name, "rows": rendered.rows, **description, **reading}


def summarize_export(spec: ExportSpec, result: Mapping[str, Any]) -> ResultSummary:
    """Describe the result of an export for a mail."""
    facts = format_all_filters(spec.origin.parameters, spec.filters)
    return ResultSummary(spec.origin.title, facts, result["rows"])


def build_export_order(spec: ExportSpec, output: Output, folder: Path) -> RenderOrder:
    """Build the order for the render process."""
    limits = Limits(seconds=MAX_EXPORT_SECONDS)
    return RenderOrder(
        name=spec.name,
        origin=msgspec.structs.replace(spec.origin, limits=limits),
        sql=spec.sql,
        filters=spec.filters,
        outputs=[output],
        home=str(spec.home),
        folder=str(folder),
        demo_dir=str(get_settings().data_dir / "demo"),
        database_url=get_rendering_settings().database_url,
    )


def _build_spec(
    name: str, home: Path, origin: Origin, sql: str, filters: Mapping[str, Any]
) -> ExportSpec:
    return ExportSpec(name, home, origin, sql, check_values(origin.parameters, filters))

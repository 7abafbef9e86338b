"""Exports as files: what may be asked for, ordered from the press, kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from project.artifacts import links
from project.errors import InvalidField
from project.settings.values import get_settings
from tasks.rendering.definitions import named_queries, report_types
from tasks.rendering.definitions.filters import check_filters
from tasks.rendering.definitions.parameters import format_all_filters
from tasks.rendering.definitions.schema import Limits, Origin, Output, RenderOrder
from tasks.rendering.follow_up_mail import ResultSummary
from tasks.rendering.process import ProgressListener, run_render_process

OUTPUTS: tuple[Output, ...] = ("csv", "parquet", "xlsx", "json")
MAX_EXPORT_SECONDS = 600
"""The most an export may take."""


class ExportSpec(NamedTuple):
    """Rows to export: a query and checked filters."""

    name: str
    home: Path
    origin: Origin
    sql: str
    filters: dict[str, Any]


def resolve_export(
    filters: Mapping[str, Any], report_type: str, source: str, query: str
) -> ExportSpec:
    """The rows of a type's report.sql, or of a named query. Raises ``InvalidField``."""
    if bool(report_type) == bool(source or query):
        raise InvalidField("type", "give either type, or source and query")
    if report_type:
        kind = report_types.find_type(report_type)
        origin = kind.definition.origin
        return ExportSpec(
            kind.name, kind.home, origin, kind.sql, check_filters(origin.parameters, filters)
        )
    found = named_queries.find_query(source, query)
    name = f"{found.source}-{found.name}"
    values = check_filters(found.origin.parameters, filters)
    return ExportSpec(name, found.home, found.origin, found.sql, values)


def build_export(
    asked: ExportSpec, output: Output, heard: ProgressListener = lambda _: None
) -> dict[str, Any]:
    """Make and keep the file; what the job's result says.

    Raises ``TransientError`` when the press ran out of time, memory or disk or was killed,
    ``PermanentError`` when the query is wrong.
    """
    with links.open_workshop() as folder:
        made = run_render_process(build_export_order(asked, output, folder), heard)
        file = folder / made.files[output]
        artifact = links.store_artifact(file, file.name)
        described = links.describe_artifact(artifact, file)
    return {"export": asked.name, "rows": made.rows, **described}


def summarize_export(asked: ExportSpec, result: Mapping[str, Any]) -> ResultSummary:
    """What a result tells of, in words."""
    facts = format_all_filters(asked.origin.parameters, asked.filters)
    return ResultSummary(asked.origin.title, facts, result["rows"])


def build_export_order(asked: ExportSpec, output: Output, folder: Path) -> RenderOrder:
    """The order for the press."""
    limits = Limits(seconds=MAX_EXPORT_SECONDS)
    return RenderOrder(
        name=asked.name,
        origin=msgspec.structs.replace(asked.origin, limits=limits),
        sql=asked.sql,
        filters=asked.filters,
        outputs=[output],
        home=str(asked.home),
        folder=str(folder),
        demo_dir=str(get_settings().data_dir / "demo"),
        database_url=get_settings().database_url,
    )

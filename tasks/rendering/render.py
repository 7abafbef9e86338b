"""Renders an order: runs its query and writes the rows, or a report of them, in each output."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tasks.rendering.data import postgres, queries, sources
from tasks.rendering.data.queries import ReadTables, Selection
from tasks.rendering.data.table_files import InvalidQuery, TableFiles
from tasks.rendering.definitions.schema import (
    Definition,
    Output,
    ProgressListener,
    RenderOrder,
    RenderResult,
)
from tasks.rendering.output import pdf
from tasks.rendering.output.files import WrittenRows, copy_rows, count_rows
from tasks.rendering.output.html import render_page
from tasks.rendering.output.page import LINES_TABLE, build_page
from tasks.rendering.output.xlsx import SheetStyle, write_workbook

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

InvalidTemplate = pdf.InvalidTemplate

FETCHED_TABLE = "fetched"
"""The table with the rows that were fetched from PostgreSQL."""
ALL_LINES = Selection(f"select * from {LINES_TABLE}")  # noqa: S608 - our own name
DEFAULT_STYLE = SheetStyle()
MAX_ATTACHED_LINES = 50_000
"""A longer table is not attached to its PDF."""


def render_order(order: RenderOrder, on_progress: ProgressListener) -> RenderResult:
    """Write every output of the order to ``order.folder``."""
    folder, seconds = Path(order.folder), order.origin.limits.seconds
    tables = _load_tables(order, on_progress)
    database = queries.open_database(tables, folder, seconds, order.region.zone)
    with database.connection as connection, _explain_types(database.read_as):
        result = _run_query(order, connection, on_progress)
    return msgspec.structs.replace(result, read_as=database.read_as)


@contextmanager
def _explain_types(read_as: ReadTables) -> Iterator[None]:
    """Add why columns are text to the error of a query that needs other types of them."""
    import duckdb

    try:
        yield
    except duckdb.BinderException as error:
        notes = [f"{name}: {note}" for name, read in read_as.items() for note in read.notes]
        if not notes:
            raise
        raise InvalidQuery("\n".join([str(error), *notes])) from error


def write_rows(
    connection: "DuckDBPyConnection",
    selection: Selection,
    output: Output,
    path: Path,
    on_progress: ProgressListener,
    style: SheetStyle = DEFAULT_STYLE,
) -> WrittenRows:
    """Write the rows of a query to ``path``; ``style`` is for spreadsheets."""
    total = count_rows(connection, selection)
    if output == "xlsx":
        return write_workbook(connection, selection, path, total, on_progress, style)
    return copy_rows(connection, selection, output, path, total, on_progress)


def _run_query(
    order: RenderOrder, connection: "DuckDBPyConnection", on_progress: ProgressListener
) -> RenderResult:
    selection = _build_selection(order, connection)
    if order.definition is None:
        return _write_query(order, connection, selection, on_progress)
    return _write_report(order, order.definition, connection, selection, on_progress)


def _load_tables(order: RenderOrder, on_progress: ProgressListener) -> dict[str, TableFiles]:
    if order.origin.engine != "postgres":
        return sources.build_tables(order.origin, Path(order.home), Path(order.demo_dir))
    fetched = postgres.fetch_rows(
        order.database_url,
        order.origin,
        order.sql,
        order.filters,
        Path(order.folder),
        on_progress,
    )
    return {FETCHED_TABLE: fetched}


def _build_selection(order: RenderOrder, connection: "DuckDBPyConnection") -> Selection:
    if order.origin.engine == "postgres":
        return Selection(f"select * from {FETCHED_TABLE}")  # noqa: S608 - our own name
    return queries.check_query(connection, order.sql, order.filters)


def _write_query(
    order: RenderOrder,
    connection: "DuckDBPyConnection",
    selection: Selection,
    on_progress: ProgressListener,
) -> RenderResult:
    """Write the rows of the query in each output."""
    files: dict[str, str] = {}
    written = WrittenRows(0)
    warnings: list[str] = []
    for output in order.outputs:
        path = _path_of(order, output)
        written = write_rows(connection, selection, output, path, on_progress)
        warnings += written.warnings
        files[output] = path.name
    return RenderResult(files, written.rows, written.rows, warnings=warnings)


def _write_report(
    order: RenderOrder,
    definition: Definition,
    connection: "DuckDBPyConnection",
    selection: Selection,
    on_progress: ProgressListener,
) -> RenderResult:
    """Write the report in each output."""
    page = build_page(order, definition, connection, selection)
    columns = definition.select_columns(order.filters)
    formats = {column.label: column.format for column in columns}
    style = SheetStyle(formats, order.region.currency, order.brand.dark)
    files: dict[str, str] = {}
    page_count: int | None = None
    warnings: list[str] = []
    for output in order.outputs:
        path = _path_of(order, output)
        if output == "pdf":
            rendered = _render_pdf(order, connection, page)
            path.write_bytes(rendered.content)
            page_count = pdf.count_pages(rendered.content)
            warnings += rendered.warnings
        elif output == "html":
            path.write_text(render_page(page), encoding="utf-8")
        else:
            written = write_rows(connection, ALL_LINES, output, path, on_progress, style)
            warnings += written.warnings
        files[output] = path.name
    return RenderResult(
        files,
        page["count"],
        page["lines"],
        page_count,
        page.get("covers", ""),
        warnings=warnings,
    )


def _path_of(order: RenderOrder, output: Output) -> Path:
    return Path(order.folder, f"{order.name}.{output}")


def _render_pdf(
    order: RenderOrder, connection: "DuckDBPyConnection", page: dict[str, Any]
) -> pdf.RenderedPdf:
    """Render the PDF; a cut table is attached in full as CSV."""
    attached = _build_attachment(order, connection, page) if _is_truncated(page) else None
    return pdf.render_pdf(
        page,
        Path(order.home),
        Path(order.folder),
        attached,
        archival=order.archival,
        cover=order.definition.cover if order.definition else None,
    )


def _is_truncated(page: dict[str, Any]) -> bool:
    """Return whether the table is cut and short enough to be attached."""
    return bool(page["count"] and page["table"]["of"] and page["lines"] <= MAX_ATTACHED_LINES)


def _build_attachment(
    order: RenderOrder, connection: "DuckDBPyConnection", page: dict[str, Any]
) -> pdf.PdfAttachment:
    """Write all lines of the table as CSV, and name the file on the page."""
    path = Path(order.folder, "attached.csv")
    write_rows(connection, ALL_LINES, "csv", path, lambda _: None)
    name = f"{order.name}-lines.csv"
    page["table"]["attached"] = name
    return pdf.PdfAttachment(name, path.read_text(encoding="utf-8"))

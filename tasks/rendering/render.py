"""What comes off the press: the rows of an order, or its report, as files."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.rendering.data import postgres, queries, sources
from tasks.rendering.data.queries import Selection, TableFiles
from tasks.rendering.definitions.schema import (
    Definition,
    Output,
    RenderOrder,
    RenderProgress,
    RenderResult,
)
from tasks.rendering.output import files as file_formats
from tasks.rendering.output import pdf
from tasks.rendering.output.html import render_page
from tasks.rendering.output.page import LINES_TABLE, build_page

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

InvalidTemplate = pdf.InvalidTemplate

FETCHED_TABLE = "fetched"
"""The table that rows from a database are in."""
MAX_ATTACHED_LINES = 50_000
"""Lines of a table that a PDF carries along; more have to be ordered as a file."""

type ProgressListener = Callable[[RenderProgress], None]


def render_order(order: RenderOrder, heard: ProgressListener) -> RenderResult:
    """Fill an order; the files are in its folder."""
    folder, seconds = Path(order.folder), order.origin.limits.seconds
    with queries.open_database(_load_tables(order, heard), folder, seconds) as connection:
        found = _select_rows(order, connection)
        if order.definition is None:
            return _write_rows(order, connection, found, heard)
        return _write_report(order, order.definition, connection, found, heard)


def _load_tables(order: RenderOrder, heard: ProgressListener) -> dict[str, TableFiles]:
    origin, folder = order.origin, Path(order.folder)
    if origin.engine == "postgres":
        asked = (origin, order.sql, order.filters)
        return {FETCHED_TABLE: postgres.fetch_rows(order.database_url, *asked, folder, heard)}
    return sources.build_tables(origin, Path(order.home), Path(order.demo_dir))


def _select_rows(order: RenderOrder, connection: "DuckDBPyConnection") -> Selection:
    if order.origin.engine == "postgres":
        return Selection(f"select * from {FETCHED_TABLE}")  # noqa: S608 - a name of ours
    return queries.check_query(connection, order.sql, order.filters)


def _write_rows(
    order: RenderOrder, connection: "DuckDBPyConnection", found: Selection, heard: ProgressListener
) -> RenderResult:
    """The rows as they are."""
    files: dict[str, str] = {}
    count = 0
    for output in order.outputs:
        path = Path(order.folder, f"{order.name}.{output}")
        count = file_formats.write_rows(connection, found, output, path, heard)
        files[output] = path.name
    return RenderResult(files, count, count)


def _write_report(
    order: RenderOrder,
    definition: Definition,
    connection: "DuckDBPyConnection",
    found: Selection,
    heard: ProgressListener,
) -> RenderResult:
    page = build_page(order, definition, connection, found)
    files: dict[str, str] = {}
    pages: int | None = None
    for output in order.outputs:
        path = Path(order.folder, f"{order.name}.{output}")
        if output == "pdf":
            pages = _write_pdf(order, connection, page, path)
        else:
            _write_output(order, definition, connection, page, output, path, heard)
        files[output] = path.name
    return RenderResult(files, page["count"], page["lines"], pages, page.get("covers", ""))


def _write_output(
    order: RenderOrder,
    definition: Definition,
    connection: "DuckDBPyConnection",
    page: dict[str, Any],
    output: Output,
    path: Path,
    heard: ProgressListener,
) -> None:
    if output == "html":
        path.write_text(render_page(page), encoding="utf-8")
        return
    formats = {column.label: column.format for column in definition.select_columns(order.filters)}
    lines = Selection(f"select * from {LINES_TABLE}")  # noqa: S608 - a name of ours
    file_formats.write_rows(connection, lines, output, path, heard, formats)


def _write_pdf(
    order: RenderOrder, connection: "DuckDBPyConnection", page: dict[str, Any], path: Path
) -> int:
    """The PDF; how many pages it has. A table that is cut comes along whole, as CSV."""
    attached = _build_attachment(order, connection, page) if _is_truncated(page) else None
    content = pdf.render_pdf(page, Path(order.home), Path(order.folder), attached, order.archival)
    path.write_bytes(content)
    return pdf.count_pages(content)


def _is_truncated(page: dict[str, Any]) -> bool:
    return bool(page["count"] and page["table"]["of"] and page["lines"] <= MAX_ATTACHED_LINES)


def _build_attachment(
    order: RenderOrder, connection: "DuckDBPyConnection", page: dict[str, Any]
) -> pdf.PdfAttachment:
    path = Path(order.folder, "attached.csv")
    lines = Selection(f"select * from {LINES_TABLE}")  # noqa: S608 - a name of ours
    file_formats.write_rows(connection, lines, "csv", path, lambda _: None)
    name = f"{order.name}-lines.csv"
    page["table"]["attached"] = name
    return pdf.PdfAttachment(name, path.read_text(encoding="utf-8"))

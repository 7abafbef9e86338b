"""What comes off the press: the rows of an order, or its report, as files."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.rendering.data import postgres, queries, sources
from tasks.rendering.data.queries import Files, Selection
from tasks.rendering.definitions.schema import Definition, Made, Order, Output, Step
from tasks.rendering.output import files as file_formats
from tasks.rendering.output import pdf
from tasks.rendering.output.html import webpage
from tasks.rendering.output.page import LINES, filled

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WrongTemplate = pdf.WrongTemplate

FETCHED = "fetched"
"""The table that rows from a database are in."""
MOST_ATTACHED = 50_000
"""Lines of a table that a PDF carries along; more have to be ordered as a file."""

type Listener = Callable[[Step], None]


def made(order: Order, heard: Listener) -> Made:
    """Fill an order; the files are in its folder."""
    folder, seconds = Path(order.folder), order.origin.limits.seconds
    with queries.opened(_tables(order, heard), folder, seconds) as connection:
        found = _found(order, connection)
        if order.definition is None:
            return _rows(order, connection, found, heard)
        return _report(order, order.definition, connection, found, heard)


def _tables(order: Order, heard: Listener) -> dict[str, Files]:
    origin, folder = order.origin, Path(order.folder)
    if origin.engine == "postgres":
        asked = (origin, order.sql, order.filters)
        return {FETCHED: postgres.fetched(order.database_url, *asked, folder, heard)}
    return sources.tables(origin, Path(order.home), Path(order.demo_dir))


def _found(order: Order, connection: "DuckDBPyConnection") -> Selection:
    if order.origin.engine == "postgres":
        return Selection(f"select * from {FETCHED}")  # noqa: S608 - a name of ours
    return queries.checked(connection, order.sql, order.filters)


def _rows(
    order: Order, connection: "DuckDBPyConnection", found: Selection, heard: Listener
) -> Made:
    """The rows as they are."""
    files: dict[str, str] = {}
    count = 0
    for output in order.outputs:
        path = Path(order.folder, f"{order.name}.{output}")
        count = file_formats.written(connection, found, output, path, heard)
        files[output] = path.name
    return Made(files, count, count)


def _report(
    order: Order,
    definition: Definition,
    connection: "DuckDBPyConnection",
    found: Selection,
    heard: Listener,
) -> Made:
    page = filled(order, definition, connection, found)
    files: dict[str, str] = {}
    pages: int | None = None
    for output in order.outputs:
        path = Path(order.folder, f"{order.name}.{output}")
        if output == "pdf":
            pages = _printed(order, connection, page, path)
        else:
            _write(order, definition, connection, page, output, path, heard)
        files[output] = path.name
    return Made(files, page["count"], page["lines"], pages, page.get("covers", ""))


def _write(
    order: Order,
    definition: Definition,
    connection: "DuckDBPyConnection",
    page: dict[str, Any],
    output: Output,
    path: Path,
    heard: Listener,
) -> None:
    if output == "html":
        path.write_text(webpage(page), encoding="utf-8")
        return
    formats = {column.label: column.format for column in definition.shown(order.filters)}
    lines = Selection(f"select * from {LINES}")  # noqa: S608 - a name of ours
    file_formats.written(connection, lines, output, path, heard, formats)


def _printed(
    order: Order, connection: "DuckDBPyConnection", page: dict[str, Any], path: Path
) -> int:
    """The PDF; how many pages it has. A table that is cut comes along whole, as CSV."""
    attached = _attachment(order, connection, page) if _is_cut(page) else None
    content = pdf.typeset(page, Path(order.home), Path(order.folder), attached, order.archival)
    path.write_bytes(content)
    return pdf.counted(content)


def _is_cut(page: dict[str, Any]) -> bool:
    return bool(page["count"] and page["table"]["of"] and page["lines"] <= MOST_ATTACHED)


def _attachment(
    order: Order, connection: "DuckDBPyConnection", page: dict[str, Any]
) -> pdf.Attachment:
    path = Path(order.folder, "attached.csv")
    lines = Selection(f"select * from {LINES}")  # noqa: S608 - a name of ours
    file_formats.written(connection, lines, "csv", path, lambda _: None)
    name = f"{order.name}-lines.csv"
    page["table"]["attached"] = name
    return pdf.Attachment(name, path.read_text(encoding="utf-8"))

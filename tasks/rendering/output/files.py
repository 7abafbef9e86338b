"""Writes rows as CSV, Parquet or JSON with DuckDB's COPY, in bounded memory.

In CSV, a text that a spreadsheet would run as a formula is escaped. Equal rows give equal bytes.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.rendering.data.queries import Selection
from tasks.rendering.data.table_files import quote_name
from tasks.rendering.definitions.schema import Format, Output, ProgressListener, RenderProgress

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

type ColumnTypes = dict[str, str]
"""DuckDB type by column name."""
type ColumnFormats = Mapping[str, Format]
"""Format by column name."""

PROGRESS_INTERVAL_SECONDS = 0.2
FORMULA_PATTERN = "^[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]"
"""The start of a text that a spreadsheet may run (OWASP, CSV injection), full width included."""

COPY_OPTIONS: dict[Output, str] = {
    "csv": "format csv, header",
    "parquet": "format parquet, compression zstd",
    "json": "format json, array true",
}
TEXTLESS_TYPES = (
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
    "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP",
)  # fmt: skip


def copy_rows(
    connection: "DuckDBPyConnection",
    selection: Selection,
    output: Output,
    path: Path,
    total: int,
    on_progress: ProgressListener,
) -> int:
    """Write the ``total`` rows of a query to ``path`` and return their number."""
    copy = _build_copy(connection, selection, output, path)
    with report_query_progress(connection, total, on_progress):
        (count,) = _fetch_one(connection, copy)
    return int(count)


def count_rows(connection: "DuckDBPyConnection", selection: Selection) -> int:
    """Return the number of rows of a query."""
    sql = f"select count(*) from ({selection.sql}\n)"  # noqa: S608 - the SQL of the report type
    (count,) = _fetch_one(connection, Selection(sql, selection.values))
    return int(count)


def read_column_types(connection: "DuckDBPyConnection", selection: Selection) -> ColumnTypes:
    """Return the columns of a query and their types."""
    described = connection.execute(f"describe {selection.sql}", dict(selection.values))
    return {name: column_type for name, column_type, *_ in described.fetchall()}


def is_textless(column_type: str) -> bool:
    """Return whether values of a DuckDB type, such as numbers and times, contain no free text."""
    return column_type.startswith(TEXTLESS_TYPES) and not column_type.endswith("]")


@contextmanager
def report_query_progress(
    connection: "DuckDBPyConnection", total: int, on_progress: ProgressListener
) -> Iterator[None]:
    """Report the progress of the query in the block, in rows of ``total``."""
    is_done = threading.Event()

    def poll() -> None:
        while not is_done.wait(PROGRESS_INTERVAL_SECONDS):
            share = max(connection.query_progress(), 0.0) / 100
            on_progress(RenderProgress(round(total * share), total, "writing"))

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()
    on_progress(RenderProgress(total, total, "written"))


def _build_copy(
    connection: "DuckDBPyConnection", selection: Selection, output: Output, path: Path
) -> Selection:
    """Build the COPY statement; for CSV with escaped texts and column names."""
    sql = selection.sql
    if output == "csv":
        types = read_column_types(connection, selection)
        columns = ", ".join(_escape_column(*column) for column in types.items())
        sql = f"select {columns} from ({sql}\n)"  # noqa: S608 - names are quoted
    target = str(path).replace("'", "''")
    return Selection(f"copy ({sql}\n) to '{target}' ({COPY_OPTIONS[output]})", selection.values)


def _escape_column(name: str, column_type: str) -> str:
    """Return SQL that puts an apostrophe before each text that could run as a formula."""
    column = quote_name(name)
    if is_textless(column_type):
        return column
    text = f"cast({column} as varchar)"
    escaped = f"if(regexp_matches({text}, '{FORMULA_PATTERN}'), '''' || {text}, {text})"
    return f"{escaped} as {quote_name(_escape_name(name))}"


def _escape_name(name: str) -> str:
    return f"'{name}" if name[:1] in "=+-@" else name


def _fetch_one(connection: "DuckDBPyConnection", selection: Selection) -> tuple[Any, ...]:
    (row,) = connection.execute(selection.sql, dict(selection.values)).fetchall()
    return tuple(row)

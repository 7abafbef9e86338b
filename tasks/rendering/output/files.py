"""Files of rows: CSV, Parquet, JSON and XLSX, a part at a time, whatever their number.

What a spreadsheet would take for a formula is written so that it stays text. The same
rows give the same bytes.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.rendering.data.queries import Selection, quote_name
from tasks.rendering.definitions.schema import Format, Output, RenderProgress

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

type ProgressListener = Callable[[RenderProgress], None]
type ColumnTypes = dict[str, str]
"""The columns of a query and what DuckDB calls their types."""

PROGRESS_INTERVAL_SECONDS = 0.2
"""Seconds between two questions how far a query is."""
FORMULA_PATTERN = "^[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]"
"""How a text begins that a spreadsheet may run (OWASP, CSV injection); also in full width."""

COPY_OPTIONS: dict[Output, str] = {
    "csv": "format csv, header",
    "parquet": "format parquet, compression zstd",
    "json": "format json, array true",
}


def write_rows(
    connection: "DuckDBPyConnection",
    found: Selection,
    output: Output,
    path: Path,
    heard: ProgressListener,
    formats: Mapping[str, Format] | None = None,
) -> int:
    """Write the rows of a query to ``path``; how many. ``formats`` are for a spreadsheet."""
    total = count_rows(connection, found)
    if output == "xlsx":
        from tasks.rendering.output.xlsx import write_workbook

        return write_workbook(connection, found, path, total, heard, formats or {})
    with report_query_progress(connection, total, heard):
        (count,) = _fetch_one(connection, _build_copy(connection, found, output, path))
    return int(count)


def count_rows(connection: "DuckDBPyConnection", found: Selection) -> int:
    """How many rows the query gives."""
    sql = f"select count(*) from ({found.sql}\n)"  # noqa: S608 - the type's own SQL
    (count,) = _fetch_one(connection, Selection(sql, found.values))
    return int(count)


def read_column_types(connection: "DuckDBPyConnection", found: Selection) -> ColumnTypes:
    """The columns of the query."""
    rows = connection.execute(f"describe {found.sql}", dict(found.values)).fetchall()
    return {name: kind for name, kind, *_ in rows}


@contextmanager
def report_query_progress(
    connection: "DuckDBPyConnection", total: int, heard: ProgressListener
) -> Iterator[None]:
    """Tell how far the query in the block is, in rows."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(PROGRESS_INTERVAL_SECONDS):
            share = max(connection.query_progress(), 0.0) / 100
            heard(RenderProgress(round(total * share), total, "writing"))

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()
        watch.join()
    heard(RenderProgress(total, total, "written"))


def _build_copy(
    connection: "DuckDBPyConnection", found: Selection, output: Output, path: Path
) -> Selection:
    """The COPY; the path is ours and in no need of quoting but for its quotes."""
    sql = found.sql
    if output == "csv":
        columns = ", ".join(
            _escape_column(*column) for column in read_column_types(connection, found).items()
        )
        sql = f"select {columns} from ({sql}\n)"  # noqa: S608 - names are quoted
    target = str(path).replace("'", "''")
    return Selection(f"copy ({sql}\n) to '{target}' ({COPY_OPTIONS[output]})", found.values)


def _escape_column(name: str, kind: str) -> str:
    """A column as CSV may have it: a text that would be a formula begins with an apostrophe."""
    column = quote_name(name)
    if is_textless(kind):
        return column
    text = f"cast({column} as varchar)"
    guarded = f"if(regexp_matches({text}, '{FORMULA_PATTERN}'), '''' || {text}, {text})"
    return f"{guarded} as {quote_name(_escape_name(name))}"


def _escape_name(name: str) -> str:
    return f"'{name}" if name[:1] in "=+-@" else name


TEXTLESS_TYPES = (
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
    "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP",
)  # fmt: skip


def is_textless(kind: str) -> bool:
    """Whether a type is of numbers or times: nothing in it is text."""
    return kind.startswith(TEXTLESS_TYPES) and not kind.endswith("]")


def _fetch_one(connection: "DuckDBPyConnection", found: Selection) -> tuple[Any, ...]:
    (row,) = connection.execute(found.sql, dict(found.values)).fetchall()
    return tuple(row)

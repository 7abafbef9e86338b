"""Writes rows as CSV, Parquet or JSON with DuckDB's COPY, in bounded memory.

Equal rows give equal bytes.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.rendering.data.queries import Selection
from tasks.rendering.definitions.column_types import quote_text
from tasks.rendering.definitions.schema import Format, Output, ProgressListener, RenderProgress
from tasks.rendering.output import columns

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

type ColumnFormats = Mapping[str, Format]
"""Format by column name."""

PROGRESS_INTERVAL_SECONDS = 0.2
COPY_OPTIONS: dict[Output, str] = {
    "csv": "format csv, header",
    "parquet": "format parquet, compression zstd",
    "json": "format json, array true",
}


class WrittenRows(NamedTuple):
    """The number of rows in a file, and what the file does not show of them."""

    rows: int
    warnings: Sequence[str] = ()


def copy_rows(
    connection: "DuckDBPyConnection",
    selection: Selection,
    output: Output,
    path: Path,
    total: int,
    on_progress: ProgressListener,
) -> WrittenRows:
    """Write the ``total`` rows of a query to ``path``."""
    copy = _build_copy(connection, selection, output, path)
    with report_query_progress(connection, total, on_progress):
        (count,) = _fetch_one(connection, copy)
    return WrittenRows(int(count))


def count_rows(connection: "DuckDBPyConnection", selection: Selection) -> int:
    """Return the number of rows of a query."""
    sql = f"select count(*) from ({selection.sql}\n)"  # noqa: S608 - the SQL of the report type
    (count,) = _fetch_one(connection, Selection(sql, selection.values))
    return int(count)


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
    """Build the COPY statement, with the values in a form that the format holds exactly."""
    source = columns.open_source(connection, selection)
    match output:
        case "csv":
            fitted = columns.select_for_csv(source)
        case "json":
            fitted = columns.select_for_json(connection, source)
        case _:
            fitted = columns.select_for_parquet(connection, source)
    target = f"{quote_text(str(path))} ({COPY_OPTIONS[output]})"
    return Selection(f"copy ({fitted.sql}\n) to {target}", fitted.values)


def _fetch_one(connection: "DuckDBPyConnection", selection: Selection) -> tuple[Any, ...]:
    (row,) = connection.execute(selection.sql, dict(selection.values)).fetchall()
    return tuple(row)

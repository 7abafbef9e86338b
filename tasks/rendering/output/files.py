"""Files of rows: CSV, Parquet, JSON and XLSX, a part at a time, whatever their number.

What a spreadsheet would take for a formula is written so that it stays text. The same
rows give the same bytes.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.rendering.data.queries import Selection, quoted
from tasks.rendering.definitions.schema import Format, Output, Step

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

type Listener = Callable[[Step], None]
type Types = dict[str, str]
"""The columns of a query and what DuckDB calls their types."""

LOOK_EVERY = 0.2
"""Seconds between two questions how far a query is."""
FORMULA = "^[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]"
"""How a text begins that a spreadsheet may run (OWASP, CSV injection); also in full width."""

COPIES: dict[Output, str] = {
    "csv": "format csv, header",
    "parquet": "format parquet, compression zstd",
    "json": "format json, array true",
}


def written(
    connection: "DuckDBPyConnection",
    found: Selection,
    output: Output,
    path: Path,
    heard: Listener,
    formats: Mapping[str, Format] | None = None,
) -> int:
    """Write the rows of a query to ``path``; how many. ``formats`` are for a spreadsheet."""
    total = counted(connection, found)
    if output == "xlsx":
        from tasks.rendering.output.xlsx import write

        return write(connection, found, path, total, heard, formats or {})
    with told(connection, total, heard):
        (count,) = _first(connection, _copy(connection, found, output, path))
    return int(count)


def counted(connection: "DuckDBPyConnection", found: Selection) -> int:
    """How many rows the query gives."""
    sql = f"select count(*) from ({found.sql}\n)"  # noqa: S608 - the type's own SQL
    (count,) = _first(connection, Selection(sql, found.values))
    return int(count)


def described(connection: "DuckDBPyConnection", found: Selection) -> Types:
    """The columns of the query."""
    rows = connection.execute(f"describe {found.sql}", dict(found.values)).fetchall()
    return {name: kind for name, kind, *_ in rows}


@contextmanager
def told(connection: "DuckDBPyConnection", total: int, heard: Listener) -> Iterator[None]:
    """Tell how far the query in the block is, in rows."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_EVERY):
            share = max(connection.query_progress(), 0.0) / 100
            heard(Step(round(total * share), total, "writing"))

    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()
        watch.join()
    heard(Step(total, total, "written"))


def _copy(
    connection: "DuckDBPyConnection", found: Selection, output: Output, path: Path
) -> Selection:
    """The COPY; the path is ours and in no need of quoting but for its quotes."""
    sql = found.sql
    if output == "csv":
        columns = ", ".join(_escaped(*column) for column in described(connection, found).items())
        sql = f"select {columns} from ({sql}\n)"  # noqa: S608 - names are quoted
    target = str(path).replace("'", "''")
    return Selection(f"copy ({sql}\n) to '{target}' ({COPIES[output]})", found.values)


def _escaped(name: str, kind: str) -> str:
    """A column as CSV may have it: a text that would be a formula begins with an apostrophe."""
    column = quoted(name)
    if is_plain(kind):
        return column
    text = f"cast({column} as varchar)"
    guarded = f"if(regexp_matches({text}, '{FORMULA}'), '''' || {text}, {text})"
    return f"{guarded} as {quoted(_harmless(name))}"


def _harmless(name: str) -> str:
    return f"'{name}" if name[:1] in "=+-@" else name


PLAIN = (
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
    "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "DATE", "TIME", "TIMESTAMP",
)  # fmt: skip


def is_plain(kind: str) -> bool:
    """Whether a type is of numbers or times: nothing in it is text."""
    return kind.startswith(PLAIN) and not kind.endswith("]")


def _first(connection: "DuckDBPyConnection", found: Selection) -> tuple[Any, ...]:
    (row,) = connection.execute(found.sql, dict(found.values)).fetchall()
    return tuple(row)

"""Reads rows from PostgreSQL: read-only, with a time limit, streamed in small batches."""

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from project.services import ServiceFault
from tasks.rendering.data.table_files import InvalidQuery, TableFiles
from tasks.rendering.definitions.schema import (
    Origin,
    Parameter,
    ProgressListener,
    RenderProgress,
)

if TYPE_CHECKING:
    from psycopg import Connection, RawCursor

ROWS_PER_FETCH = 1_000
CONNECT_SECONDS = 10
MAX_ROWS = 5_000_000

_BOUND_NAME = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\$([a-z_][a-z0-9_]*)")

DUCKDB_TYPES = {
    "bool": "BOOLEAN",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
}
"""DuckDB type by PostgreSQL type. ``numeric`` is handled apart; all other types are text."""


def fetch_rows(
    url: str,
    origin: Origin,
    sql: str,
    filters: Mapping[str, Any],
    folder: Path,
    on_progress: ProgressListener,
) -> TableFiles:
    """Write the rows of the query to a CSV file in ``folder``.

    The server binds the values, so a filter cannot become SQL, and accepts only one statement
    that returns rows. Raises ``psycopg.Error`` and ``InvalidQuery``.
    """
    if not url:
        raise InvalidQuery(
            "DATABASE_URL is not set; set it for API and workers to use this report type"
        )
    statement, names = number_parameters(sql, origin.parameters)
    path = folder / "fetched.csv"
    with closing(open_connection(url, origin.limits.seconds)) as connection:
        from psycopg import RawCursor

        with RawCursor(connection) as cursor, path.open("w", newline="") as file:
            values = [filters.get(name) for name in names]
            cursor.execute(f"{statement} limit 0", values)  # the columns, even if there are no rows
            types = _read_types(cursor)
            writer = csv.writer(
                file, quoting=csv.QUOTE_NOTNULL
            )  # an empty text is "", NULL is nothing
            writer.writerow(types)
            _write_rows(cursor.stream(statement, values, size=ROWS_PER_FETCH), writer, on_progress)
    return TableFiles([path], types, is_exact=True)


def open_connection(url: str, seconds: int) -> "Connection[Any]":
    """Connect with a read-only default and timeouts, whatever the role is allowed to do."""
    import psycopg

    milliseconds = seconds * 1_000
    settings = {
        "default_transaction_read_only": "on",
        "statement_timeout": milliseconds,
        "lock_timeout": milliseconds,
        "idle_in_transaction_session_timeout": milliseconds,
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return psycopg.connect(url, options=options, connect_timeout=CONNECT_SECONDS)


def check_database() -> str:
    """Log in to the server of DATABASE_URL, for ``project.check``; "" when it is not set."""
    import psycopg

    from tasks.rendering.settings import get_rendering_settings

    url = get_rendering_settings().database_url
    if not url:
        return ""
    try:
        with open_connection(url, seconds=CONNECT_SECONDS) as connection:
            about = connection.info
            return f"PostgreSQL {about.server_version // 10_000} at {about.host}, {about.dbname}"
    except psycopg.Error as error:
        raise ServiceFault(str(error)) from None


def number_parameters(sql: str, parameters: Mapping[str, Parameter]) -> tuple[str, list[str]]:
    """Replace ``$name`` by ``$1::text`` and return the query and the names in number order.

    The query becomes a subquery: the server then refuses statements that change data or return
    no rows.
    """
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0]
        if name not in names:
            names.append(name)
        kind = "bigint" if name in parameters and parameters[name].type == "integer" else "text"
        return f"${names.index(name) + 1}::{kind}"

    query = _BOUND_NAME.sub(number, sql.strip().rstrip(";"))
    return f"select * from ({query}\n) as rows_of_type", names  # noqa: S608 - the type's own SQL


def _read_types(cursor: "RawCursor[Any]") -> dict[str, str]:
    types: dict[str, str] = {}
    for column in cursor.description or ():
        if column.name in types:
            raise InvalidQuery(f"report.sql returns two columns named {column.name!r}; rename one")
        types[column.name] = _duckdb_type_of(column)
    return types


def _duckdb_type_of(column: Any) -> str:
    if column.type_display.startswith("numeric"):
        digits, scale = column.precision or 38, column.scale or 0
        return f"DECIMAL({min(digits, 38)},{scale})" if column.precision else "DOUBLE"
    return DUCKDB_TYPES.get(column.type_display.partition("(")[0], "VARCHAR")


def _write_rows(rows: Iterator[Any], writer: Any, on_progress: ProgressListener) -> None:
    for done, row in enumerate(rows, 1):
        writer.writerow(row)
        if done % ROWS_PER_FETCH == 0:
            on_progress(RenderProgress(done, note="reading"))
        if done > MAX_ROWS:
            raise InvalidQuery(f"report.sql returns more than {MAX_ROWS:,} rows; narrow it down")

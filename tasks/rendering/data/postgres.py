"""Rows out of PostgreSQL: read only, within a time, and never all of them in memory."""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.rendering.data.queries import Files, WrongQuery
from tasks.rendering.definitions.schema import Origin, Parameter, Step

if TYPE_CHECKING:
    from psycopg import Connection, RawCursor

AT_ONCE = 1_000
CONNECT_SECONDS = 10
MOST_ROWS = 5_000_000

_BOUND = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\$([a-z_][a-z0-9_]*)")

TYPES = {
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
"""PostgreSQL's types -> DuckDB's; ``numeric`` has a size of its own, all others are text."""


def fetched(
    url: str,
    origin: Origin,
    sql: str,
    filters: Mapping[str, Any],
    folder: Path,
    heard: Callable[[Step], None],
) -> Files:
    """The rows of the query as a CSV file in ``folder``.

    Values are bound by the server: a filter cannot become SQL, and only one statement that
    gives rows is taken. Raises ``psycopg.Error`` and ``WrongQuery``.
    """
    if not url:
        raise WrongQuery("DATABASE_URL is not set, and this type reads from it")
    statement, names = numbered(sql, origin.parameters)
    path = folder / "fetched.csv"
    with closing(connected(url, origin.limits.seconds)) as connection:
        from psycopg import RawCursor

        with RawCursor(connection) as cursor, path.open("w", newline="") as file:
            values = [filters.get(name) for name in names]
            cursor.execute(f"{statement} limit 0", values)  # the columns, also of no rows
            types = _types(cursor)
            writer = csv.writer(file, quoting=csv.QUOTE_NOTNULL)  # "" is a text, nothing is NULL
            writer.writerow(types)
            _write(cursor.stream(statement, values, size=AT_ONCE), writer, heard)
    return Files([path], types)


def connected(url: str, seconds: int) -> "Connection[Any]":
    """A connection that writes nothing and waits for nothing for long, whatever its role may."""
    import psycopg

    milliseconds = seconds * 1_000
    said = {
        "default_transaction_read_only": "on",
        "statement_timeout": milliseconds,
        "lock_timeout": milliseconds,
        "idle_in_transaction_session_timeout": milliseconds,
    }
    options = " ".join(f"-c {name}={value}" for name, value in said.items())
    return psycopg.connect(url, options=options, connect_timeout=CONNECT_SECONDS)


def numbered(sql: str, parameters: Mapping[str, Parameter]) -> tuple[str, list[str]]:
    """The query with ``$1::text`` for ``$name``, and the names in the order of their numbers.

    It becomes part of another one: only what gives rows and changes nothing fits there.
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

    inner = _BOUND.sub(number, sql.strip().rstrip(";"))
    return f"select * from ({inner}\n) as found", names  # noqa: S608 - the type's own SQL


def _types(cursor: "RawCursor[Any]") -> dict[str, str]:
    types: dict[str, str] = {}
    for column in cursor.description or ():
        if column.name in types:
            raise WrongQuery(f"report.sql: there are two columns {column.name!r}")
        types[column.name] = _type(column)
    return types


def _type(column: Any) -> str:
    if column.type_display.startswith("numeric"):
        digits, scale = column.precision or 38, column.scale or 0
        return f"DECIMAL({min(digits, 38)},{scale})" if column.precision else "DOUBLE"
    return TYPES.get(column.type_display.partition("(")[0], "VARCHAR")


def _write(rows: Iterator[Any], writer: Any, heard: Callable[[Step], None]) -> None:
    for done, row in enumerate(rows, 1):
        writer.writerow(row)
        if done % AT_ONCE == 0:
            heard(Step(done, note="reading"))
        if done > MOST_ROWS:
            raise WrongQuery(f"report.sql gives more than {MOST_ROWS:,} rows")

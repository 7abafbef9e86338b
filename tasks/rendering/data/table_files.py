"""The files behind one table, and what all their readers share."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from tasks.rendering.definitions.column_types import quote_text
from tasks.rendering.definitions.schema import Dialect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_SHOWN_CHARACTERS = 80
"""Characters of a value that an error repeats."""


class InvalidQuery(Exception):
    """The SQL is not exactly one SELECT over the filters of the type, or its files are missing."""


class InvalidFile(InvalidQuery):
    """A file cannot be read exactly; the message names the file and, if known, line and column."""


class TableFiles(Struct, frozen=True):
    """The files of one table, all of one format.

    ``types`` fixes the types of columns by name. With ``is_exact`` the file is a CSV of our own,
    and ``types`` has all of its columns.
    """

    paths: Sequence[Path]
    types: Mapping[str, str] = {}
    is_exact: bool = False
    is_own: bool = False
    """Whether the owner of the report type supplied the files."""


class TableSource(NamedTuple):
    """How to read a table: a SELECT with the types of its columns, and what was detected."""

    sql: str
    columns: Mapping[str, str]
    dialects: Sequence[Dialect] = ()
    notes: Sequence[str] = ()


def quote_name(name: str) -> str:
    """Quote any name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_paths(paths: Sequence[Path]) -> str:
    """Return the paths as a SQL list of strings that match nothing but these files."""
    from glob import escape

    return "[" + ", ".join(quote_text(escape(str(path))) for path in paths) + "]"


def name_columns(names: Sequence[str]) -> list[str]:
    """Return names that differ in more than case: ``id, ID, id`` become ``id, ID_1, id_2``."""
    taken = {name.casefold() for name in names}
    seen: set[str] = set()
    return [_name_column(name, seen, taken) for name in names]


def _name_column(name: str, seen: set[str], taken: set[str]) -> str:
    """Return the name, or the name with the first free number if it is in ``seen``."""
    unique = name
    if name.casefold() in seen:
        unique = next(found for found in _number(name) if found.casefold() not in taken | seen)
    seen.add(unique.casefold())
    return unique


def _number(name: str) -> Iterator[str]:
    number = 0
    while True:  # ends at the latest after as many names as there are columns
        number += 1
        yield f"{name}_{number}"


def fetch_row(connection: "DuckDBPyConnection", sql: str) -> tuple[Any, ...]:
    """Return the only row of a query."""
    (row,) = connection.execute(sql).fetchall()
    return tuple(row)


def join_by_name(parts: Sequence[str]) -> str:
    """Return a SELECT of the rows of all parts; columns of one name are one column."""
    return "\nunion all by name\n".join(parts)

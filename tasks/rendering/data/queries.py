"""Runs the SQL of a report type in a DuckDB that can read its tables and nothing else."""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

MEMORY_LIMIT = "256MB"
SPILL_LIMIT = "1GB"

READERS_BY_SUFFIX = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".parquet": "read_parquet",
    ".json": "read_json",
    ".ndjson": "read_json",
    ".jsonl": "read_json",
}


class InvalidQuery(Exception):
    """The SQL is not exactly one SELECT over the filters of the type, or its files are missing."""


class TableFiles(Struct, frozen=True):
    """The files of one table, all of one format; ``types`` maps CSV columns to DuckDB types."""

    paths: Sequence[Path]
    types: Mapping[str, str] = {}


class Selection(Struct, frozen=True):
    """A SELECT and the values of its named parameters."""

    sql: str
    values: Mapping[str, Any] = {}


def open_database(
    tables: Mapping[str, TableFiles], folder: Path, seconds: int
) -> "DuckDBPyConnection":
    """Open an in-memory database with one view per table, restricted to files in ``folder``.

    A statement is interrupted after ``seconds``. Data that does not fit in memory spills to
    ``folder``.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "memory_limit": MEMORY_LIMIT,
            "threads": "2",
            "max_execution_time": str(seconds * 1_000),
            "temp_directory": str(folder / "spill"),
            "max_temp_directory_size": SPILL_LIMIT,
            "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
        }
    )
    for name, files in tables.items():
        _read_files(connection, name, files).create_view(name)
    _restrict_access(
        connection, [path for files in tables.values() for path in files.paths], folder
    )
    return connection


def check_query(
    connection: "DuckDBPyConnection", sql: str, filters: Mapping[str, Any]
) -> Selection:
    """Return the SELECT with the values of its filters; a filter that is not given is null.

    Raises ``InvalidQuery`` unless ``sql`` is exactly one SELECT that uses all given filters.
    """
    from duckdb import StatementType

    statements = connection.extract_statements(sql)
    if [statement.type for statement in statements] != [StatementType.SELECT]:
        raise InvalidQuery("report.sql must hold exactly one SELECT")
    names = statements[0].named_parameters
    if unused := filters.keys() - names:
        raise InvalidQuery(f"report.sql does not use the filter {min(unused)!r}")
    return Selection(statements[0].query, {name: filters.get(name) for name in names})


def store_rows(
    connection: "DuckDBPyConnection", name: str, selection: Selection
) -> "DuckDBPyRelation":
    """Run the query once and store its rows as the temporary table ``name``."""
    connection.execute(f"create temp table {name} as {selection.sql}", dict(selection.values))
    return connection.table(name)


def quote_name(name: str) -> str:
    """Quote any name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _read_files(
    connection: "DuckDBPyConnection", name: str, files: TableFiles
) -> "DuckDBPyRelation":
    if not files.paths:
        raise InvalidQuery(f"files.{name}: no file matches the pattern")
    suffixes = {_suffix_of(path) for path in files.paths}
    if len(suffixes) > 1 or not suffixes <= READERS_BY_SUFFIX.keys():
        known = ", ".join(READERS_BY_SUFFIX)
        raise InvalidQuery(
            f"files.{name}: all files must have the same ending, one of {known}; .gz may follow"
        )
    reader = getattr(connection, READERS_BY_SUFFIX[suffixes.pop()])
    options: dict[str, Any] = {}
    if files.types:
        options = {"columns": dict(files.types), "header": True, "allow_quoted_nulls": False}
    paths = [glob.escape(str(path)) for path in files.paths]
    relation: DuckDBPyRelation = reader(paths, **options)
    return relation


def _suffix_of(path: Path) -> str:
    """Return the suffix of a file name without ``.gz``."""
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def _restrict_access(connection: "DuckDBPyConnection", paths: Sequence[Path], folder: Path) -> None:
    """Allow only these files and the folder, and lock the configuration."""
    connection.execute("set enable_progress_bar = true")  # query_progress needs it
    connection.execute("set enable_progress_bar_print = false")
    names = [str(path) for path in paths]
    allowed = [*names, *map(glob.escape, names)]
    connection.execute("set allowed_paths = $allowed", {"allowed": allowed})
    connection.execute("set allowed_directories = $allowed", {"allowed": [str(folder)]})
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")

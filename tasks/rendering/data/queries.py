"""SQL of a type, run in a DuckDB that can reach its sources and nothing else."""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

MEMORY_LIMIT = "256MB"
SPILL_LIMIT = "1GB"

READERS = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".parquet": "read_parquet",
    ".json": "read_json",
    ".ndjson": "read_json",
    ".jsonl": "read_json",
}


class InvalidQuery(Exception):
    """The SQL of the type is not one SELECT over its own filters, or has nothing to read."""


class TableFiles(Struct, frozen=True):
    """The files of one table, all of one format; ``types`` of CSV columns, if they are known."""

    paths: Sequence[Path]
    types: Mapping[str, str] = {}


class Selection(Struct, frozen=True):
    """A query and what is bound in it."""

    sql: str
    values: Mapping[str, Any] = {}


def open_database(
    tables: Mapping[str, TableFiles], folder: Path, seconds: int
) -> "DuckDBPyConnection":
    """A connection with one view per table and no way out but files in ``folder``.

    A statement ends after ``seconds``; what does not fit in memory spills to ``folder``.
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
    _lock(connection, [path for files in tables.values() for path in files.paths], folder)
    return connection


def check_query(
    connection: "DuckDBPyConnection", sql: str, filters: Mapping[str, Any]
) -> Selection:
    """The SELECT with its filters; one that it names and nobody gave is null.

    Raises ``InvalidQuery`` when ``sql`` is anything but one SELECT, or leaves a filter unused.
    """
    from duckdb import StatementType

    statements = connection.extract_statements(sql)
    if [statement.type for statement in statements] != [StatementType.SELECT]:
        raise InvalidQuery("report.sql must hold exactly one SELECT")
    names = statements[0].named_parameters
    if unused := filters.keys() - names:
        raise InvalidQuery(f"report.sql does not use the filter {min(unused)!r}")
    return Selection(statements[0].query, {name: filters.get(name) for name in names})


def store_rows(connection: "DuckDBPyConnection", name: str, found: Selection) -> "DuckDBPyRelation":
    """The rows of the query, run once and kept as a table."""
    connection.execute(f"create temp table {name} as {found.sql}", dict(found.values))
    return connection.table(name)


def quote_name(name: str) -> str:
    """A name as SQL takes it, whatever it is."""
    return '"' + name.replace('"', '""') + '"'


def _read_files(
    connection: "DuckDBPyConnection", name: str, files: TableFiles
) -> "DuckDBPyRelation":
    if not files.paths:
        raise InvalidQuery(f"files.{name}: there are no such files")
    endings = {_ending_of(path) for path in files.paths}
    if len(endings) > 1 or not endings <= READERS.keys():
        known = ", ".join(READERS)
        raise InvalidQuery(f"files.{name}: all must end with the same of {known} (or that and .gz)")
    reader = getattr(connection, READERS[endings.pop()])
    options: dict[str, Any] = {}
    if files.types:
        options = {"columns": dict(files.types), "header": True, "allow_quoted_nulls": False}
    paths = [glob.escape(str(path)) for path in files.paths]
    relation: DuckDBPyRelation = reader(paths, **options)
    return relation


def _ending_of(path: Path) -> str:
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def _lock(connection: "DuckDBPyConnection", paths: Sequence[Path], folder: Path) -> None:
    connection.execute("set enable_progress_bar = true")  # for query_progress
    connection.execute("set enable_progress_bar_print = false")
    names = [str(path) for path in paths]
    allowed = [*names, *map(glob.escape, names)]
    connection.execute("set allowed_paths = $allowed", {"allowed": allowed})
    connection.execute("set allowed_directories = $allowed", {"allowed": [str(folder)]})
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")

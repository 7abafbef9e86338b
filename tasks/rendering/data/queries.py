"""Runs the SQL of a report type in a DuckDB that can read its tables and nothing else."""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from tasks.rendering.data import tables
from tasks.rendering.data.table_files import InvalidQuery, TableFiles, quote_name
from tasks.rendering.definitions.column_types import quote_text
from tasks.rendering.definitions.schema import ReadAs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

MEMORY_LIMIT = "256MB"
SPILL_LIMIT = "1GB"

type ReadTables = dict[str, ReadAs]
"""How the files of each table of the type's owner were read, by table."""


class Selection(Struct, frozen=True):
    """A SELECT and the values of its named parameters."""

    sql: str
    values: Mapping[str, Any] = {}


class Database(NamedTuple):
    """An open database, and how its tables were read."""

    connection: "DuckDBPyConnection"
    read_as: ReadTables


def open_database(
    table_files: Mapping[str, TableFiles], folder: Path, seconds: int, zone: str = ""
) -> Database:
    """Open an in-memory database with one view per table, restricted to files in ``folder``.

    A statement is interrupted after ``seconds``. Times with an offset are in ``zone``, "" means
    UTC. Data that does not fit in memory spills to
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
    connection.execute("set TimeZone = 'UTC'")
    scratch = folder / "decoded"
    read_as = {
        name: _create_view(connection, name, files, scratch) for name, files in table_files.items()
    }
    paths = [path for files in table_files.values() for path in files.paths]
    connection.execute(f"set TimeZone = {quote_text(zone or 'UTC')}")
    _restrict_access(connection, [*paths, *scratch.glob("*")], folder)
    return Database(
        connection, {name: read for name, read in read_as.items() if table_files[name].is_own}
    )


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


def _create_view(
    connection: "DuckDBPyConnection", name: str, files: TableFiles, scratch: Path
) -> ReadAs:
    source = tables.read_table(connection, name, files, scratch)
    connection.execute(f"create view {quote_name(name)} as {source.sql}")
    return tables.describe_table(files, source)


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

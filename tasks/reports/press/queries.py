"""The report's SELECT, run in a DuckDB that can reach its sources and nothing else."""

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .orders import Source

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

MEMORY = "256MB"
SPILL = "1GB"


class WrongQuery(Exception):
    """The SQL of the type is not one SELECT over its own filters."""


def opened(sources: Mapping[Source, Path], scratch: Path, seconds: int) -> "DuckDBPyConnection":
    """A connection with one view per source and no way out.

    A statement ends after ``seconds``; what does not fit in memory spills to ``scratch``.
    """
    import duckdb

    connection = duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "threads": "2",
            "max_execution_time": str(seconds * 1_000),
            "temp_directory": str(scratch),
            "max_temp_directory_size": SPILL,
            "python_enable_replacements": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
        }
    )
    files = {name: str(path) for name, path in sources.items()}
    patterns = {name: glob.escape(file) for name, file in files.items()}
    for name, pattern in patterns.items():
        connection.read_parquet(pattern).create_view(name)
    allowed = [*files.values(), *patterns.values()]
    connection.execute("set allowed_paths = $allowed", {"allowed": allowed})
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def selected(
    connection: "DuckDBPyConnection", sql: str, filters: Mapping[str, Any]
) -> "DuckDBPyRelation":
    """The rows of the SELECT, run once and kept; a filter it names and nobody gave is null.

    Raises ``WrongQuery`` when ``sql`` is anything but one SELECT, or leaves a filter unused.
    """
    from duckdb import StatementType

    statements = connection.extract_statements(sql)
    if [statement.type for statement in statements] != [StatementType.SELECT]:
        raise WrongQuery("report.sql must hold exactly one SELECT")
    names = statements[0].named_parameters
    if unused := filters.keys() - names:
        raise WrongQuery(f"report.sql does not use the filter {min(unused)!r}")
    values = {name: filters.get(name) for name in names}
    return connection.sql(sql, params=values).materialize()

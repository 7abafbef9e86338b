"""DuckDB: reads and writes the Parquet files of the history, within bounds.

DuckDB must not be used before a process forks, so it is imported on first use.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from project.history.rows import COLUMNS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

WRITE_MEMORY = "400MB"
OPTIONS = "FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, OVERWRITE_OR_IGNORE true"
ROLLUP_OPTIONS = f"{OPTIONS}, ROW_GROUP_SIZE 4096"
"""Small groups: who asks for days skips those with hours."""

ROW_SCHEMA = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())

NO_ROWS = ", ".join(f"NULL::{kind} AS {name}" for name, kind in COLUMNS.items())

MAX_LINE_BYTES = 64 << 20

BUCKETS_PER_DOUBLING = 8
"""How exact the roll-ups are: a percentile is off by 5 % at most."""

DURATIONS = f"""
SELECT *, round({BUCKETS_PER_DOUBLING} * log2(greatest(microseconds, 1)))::SMALLINT AS bucket
FROM (
    SELECT finished_at, tenant, kind, queue, lane, status, 'wait' AS measure,
        coalesce(started_at, finished_at) - created_at AS microseconds FROM rows
    UNION ALL
    SELECT finished_at, tenant, kind, queue, lane, status, 'run', finished_at - started_at
    FROM rows WHERE started_at IS NOT NULL
)
"""  # noqa: S608 - a constant
"""Each row has one ``wait``, and one ``run`` if it ran."""

ROLLUP = f"""
SELECT hours, finished_at // 3600000000 // hours * hours AS hour, tenant, kind, status, measure,
    bucket, count(*) AS count
FROM (VALUES (1), (24)) AS intervals(hours), ({DURATIONS})
GROUP BY ALL ORDER BY ALL
"""  # noqa: S608 - a constant
"""Counts by hour, and again by day, tenant, kind, status and duration.

``hours`` is the length of the interval, ``hour`` its first hour since 1970.
"""


def rows_in(files: str) -> str:
    """The rows of Parquet files, as SQL; ``files`` is a list of paths, or a parameter.

    A column that the version which wrote a file did not know yet is NULL.
    """
    return (
        f"(SELECT {NO_ROWS} WHERE false UNION ALL BY NAME "  # noqa: S608 - constants
        f"SELECT * FROM read_parquet({files}, union_by_name = true))"
    )


def open_writer(folder: Path) -> "DuckDBPyConnection":
    """A database in memory that may read and write everywhere; large sorts use the folder."""
    import duckdb

    return duckdb.connect(
        config={"memory_limit": WRITE_MEMORY, "threads": 1, "temp_directory": str(folder)}
    )


def open_reader(root: Path, memory: str, threads: int) -> "DuckDBPyConnection":
    """A database in memory that can read below ``root``, and nothing else."""
    import duckdb

    database = duckdb.connect(config={"memory_limit": memory, "threads": threads})
    database.execute(f"SET allowed_directories = [{quote(root)}]")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    return database


def load_lines(database: "DuckDBPyConnection", lines: Path) -> None:
    """Make the table ``rows`` of a file with a JSON object in each line."""
    database.execute(
        f"CREATE OR REPLACE TABLE rows AS SELECT * FROM read_json({quote(lines)}, "  # noqa: S608
        f"format = 'newline_delimited', columns = {{{ROW_SCHEMA}}}, "
        f"maximum_object_size = {MAX_LINE_BYTES}) ORDER BY kind, finished_at, id"
    )


def view_files(database: "DuckDBPyConnection", files: Sequence[Path]) -> None:
    """Make the view ``rows`` of all rows in some files."""
    names = ", ".join(quote(file) for file in files)
    database.execute(f"CREATE OR REPLACE VIEW rows AS FROM {rows_in(f'[{names}]')}")


def write_files(database: "DuckDBPyConnection", rows: Path, rollup: Path, keep: str = "") -> None:
    """Write the rows, and their roll-up. ``keep``: the WHERE clause of those to write."""
    write(database, f"SELECT * FROM rows {keep} ORDER BY kind, finished_at, id", rows)  # noqa: S608
    view = f"SELECT * FROM read_parquet({quote(rows)})"  # noqa: S608
    database.execute(f"CREATE OR REPLACE TEMP VIEW written AS {view}")
    write(database, ROLLUP.replace("FROM rows", "FROM written"), rollup, ROLLUP_OPTIONS)


def write(database: "DuckDBPyConnection", query: str, place: Path, options: str = OPTIONS) -> None:
    """Write the rows of a query to a Parquet file."""
    database.execute(f"COPY ({query}) TO {quote(place)} ({options})")


def quote(path: Path) -> str:
    """A path as an SQL literal."""
    return "'" + str(path).replace("'", "''") + "'"

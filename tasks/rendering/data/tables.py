"""Chooses the reader for the files of a table, by their ending."""

from pathlib import Path
from typing import TYPE_CHECKING

from tasks.rendering.data.csv_files import read_csv_files, read_exact_csv
from tasks.rendering.data.table_files import InvalidQuery, TableFiles, TableSource
from tasks.rendering.data.typed_files import read_json_files, read_parquet_files
from tasks.rendering.definitions.schema import MAX_LISTED_COLUMNS, ReadAs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMATS_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
}


def read_table(
    connection: "DuckDBPyConnection", name: str, files: TableFiles, scratch: Path
) -> TableSource:
    """Return how to read a table. Raises ``InvalidQuery`` and its subclass ``InvalidFile``.

    ``scratch`` is the folder for copies of text files that are not in UTF-8.
    """
    if files.is_exact:
        return read_exact_csv(files)
    match find_format(name, files):
        case "csv":
            return read_csv_files(connection, name, files, scratch)
        case "parquet":
            return read_parquet_files(connection, name, files)
    return read_json_files(connection, name, files)


def find_format(name: str, files: TableFiles) -> str:
    """Return the format that all files of a table have. Raises ``InvalidQuery``."""
    if not files.paths:
        raise InvalidQuery(f"files.{name}: no file matches the pattern")
    suffixes = {_suffix_of(path) for path in files.paths}
    if len(suffixes) > 1 or not suffixes <= FORMATS_BY_SUFFIX.keys():
        known = ", ".join(FORMATS_BY_SUFFIX)
        raise InvalidQuery(
            f"files.{name}: all files must have the same ending, one of {known}; .gz may follow"
        )
    return FORMATS_BY_SUFFIX[suffixes.pop()]


def describe_table(files: TableFiles, source: TableSource) -> ReadAs:
    """Return how a table was read, for the result of the job."""
    columns = dict(list(source.columns.items())[:MAX_LISTED_COLUMNS])
    form = FORMATS_BY_SUFFIX[_suffix_of(files.paths[0])]
    return ReadAs(len(files.paths), form, columns, source.dialects, source.notes)


def _suffix_of(path: Path) -> str:
    """Return the suffix of a file name in lower case and without ``.gz``."""
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()

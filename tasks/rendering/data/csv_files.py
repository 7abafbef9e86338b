"""Reads CSV files: finds how each is written, joins them by name, and types all their columns."""

import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from tasks.rendering.data.encodings import TextFile, open_text
from tasks.rendering.data.table_files import (
    MAX_SHOWN_CHARACTERS,
    InvalidFile,
    TableFiles,
    TableSource,
    fetch_row,
    join_by_name,
    name_columns,
    quote_name,
    quote_paths,
)
from tasks.rendering.data.type_inference import (
    SAMPLE_ROWS,
    check_all,
    has_decimal_commas,
    has_many_numbers,
    infer_types,
)
from tasks.rendering.definitions.column_types import TEXT, ColumnType, parse_type, quote_text
from tasks.rendering.definitions.schema import Dialect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DELIMITERS = ",;\t|"
MAX_LINE_CHARACTERS = 1 << 21
MAX_NOTES = 20
TAB_SUFFIXES = {".tsv", ".tab"}
COMMA_TYPE = "DECIMAL(18,2) 1.234,56"
MAX_CELL_CHARACTERS = 1 << 27
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


class CsvFile(NamedTuple):
    """A CSV file, how it is written, and the names of its columns."""

    text: TextFile
    delimiter: str
    quote: str
    escape: str
    skipped_lines: int
    has_header: bool
    names: tuple[str, ...]

    @property
    def form(self) -> tuple[object, ...]:
        """What must be equal for two files to be read in one go."""
        return self[1:]


def read_csv_files(
    connection: "DuckDBPyConnection", name: str, files: TableFiles, scratch: Path
) -> TableSource:
    """Return how to read the CSV files of a table. Raises ``InvalidFile``."""
    parts = [_inspect(connection, open_text(path, scratch)) for path in files.paths]
    parts = _agree_on_headers(parts)
    names = list({column.casefold(): column for part in parts for column in part.names}.values())
    texts = f"select {_quote_all(names)} from ({join_by_name(_read_groups(parts))})"  # noqa: S608 - names are quoted
    fixed = _parse_fixed_types(name, names, files.types)
    types = infer_types(connection, texts, [each for each in names if each not in fixed]) | fixed
    _check_fixed_types(connection, parts, texts, fixed)
    columns = ", ".join(
        f"{types[each].cast(quote_name(each))} as {quote_name(each)}" for each in names
    )
    return TableSource(
        f"select {columns} from ({texts})",  # noqa: S608 - names are quoted
        {each: str(types[each]) for each in names},
        _describe_dialects(parts),
        list(islice(_explain_texts(connection, parts, texts, types), MAX_NOTES)),
    )


def read_exact_csv(files: TableFiles) -> TableSource:
    """Return how to read a CSV file that we wrote ourselves, with all of its types."""
    columns = ", ".join(
        f"{quote_text(name)}: {quote_text(kind)}" for name, kind in files.types.items()
    )
    sql = (
        f"select * from read_csv({quote_paths(files.paths)}, columns = {{{columns}}}, "  # noqa: S608 - quoted
        "header = true, allow_quoted_nulls = false, auto_detect = false, delim = ',', "
        """quote = '"', escape = '"')"""
    )
    return TableSource(sql, files.types)


def _inspect(connection: "DuckDBPyConnection", text: TextFile) -> CsvFile:
    """Find out how a file is written; DuckDB looks at its first rows."""
    import duckdb

    first_line = _read_first_line(text)
    separator = _SEPARATOR_LINE.fullmatch(first_line)
    options = f", delim = {quote_text(separator[1])}, skip = 1" if separator else ""
    if not separator and TAB_SUFFIXES & set(text.original.suffixes) and "\t" in first_line:
        options = ", delim = '\t'"
    try:
        delimiter, quote, escape, skipped, has_header, width = fetch_row(
            connection,
            "select Delimiter, Quote, Escape, SkipRows, HasHeader, len(Columns) "  # noqa: S608 - quoted
            f"from sniff_csv({quote_paths([text.path])[1:-1]}{options})",
        )
    except duckdb.InvalidInputException as error:
        problem = str(error).partition("\n")[0]
        raise InvalidFile(f"{text.original.name}: cannot be read as CSV: {problem}") from None
    if width == 1 and not separator and skipped == 0:
        delimiter = max(DELIMITERS, key=first_line.count)
    if len(quote) != 1:
        quote = '"'
    escape = escape if len(escape) == 1 else quote
    file = CsvFile(text, delimiter, quote, escape, skipped, has_header, ())
    rows = [row for _, row in islice(_read_rows(file, is_header=True), 2)]
    row = rows[0] if rows else []
    has_header = has_header or _has_unnamed_numbers(rows)
    names = row if has_header else [f"column{at}" for at in range(len(row))]
    if not row:
        raise InvalidFile(f"{text.original.name}: is empty; the first line must name the columns")
    filled = [each or f"column{at}" for at, each in enumerate(names)]
    return file._replace(has_header=has_header, names=tuple(name_columns(filled)))


def _has_unnamed_numbers(rows: Sequence[list[str]]) -> bool:
    """Return whether the first row names all columns but that of the row numbers, as R writes it.

    DuckDB misses such a header when all columns are text.
    """
    (first, *names), *others = rows or [["data"]]
    is_named = all(names) and len(set(names)) == len(names) and not has_many_numbers(names)
    return bool(names) and not first and is_named and any(row[0] for row in others)


def _read_first_line(text: TextFile) -> str:
    with _open(text) as file:
        return file.readline(MAX_LINE_CHARACTERS)


def _open(text: TextFile) -> TextIO:
    if text.path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(text.path), encoding="utf-8-sig", newline="")
    return text.path.open(encoding="utf-8-sig", newline="")


def _read_rows(part: CsvFile, *, is_header: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the last line of each row, from 1, and the row."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    with _open(part.text) as file:
        for _ in range(part.skipped_lines):
            file.readline()
        is_doubled = part.escape == part.quote
        rows = csv.reader(
            file,
            delimiter=part.delimiter,
            quotechar=part.quote,
            doublequote=is_doubled,
            escapechar=None if is_doubled else part.escape,
        )
        if part.has_header and not is_header:
            next(rows, None)
        for row in rows:
            if row:
                yield part.skipped_lines + rows.line_num, row


def _agree_on_headers(parts: Sequence[CsvFile]) -> list[CsvFile]:
    """Take the first line for a header in all files or in none. Raises ``InvalidFile``."""
    headers = [part.names for part in parts if part.has_header]
    known = {name.casefold() for names in headers for name in names}
    if not headers:
        return list(parts)
    return [part if part.has_header else _find_header(part, known) for part in parts]


def _find_header(part: CsvFile, known: set[str]) -> CsvFile:
    row = next(_read_rows(part), (0, []))[1]
    if not {name.casefold() for name in row} & known:
        raise InvalidFile(
            f"{part.text.original.name}: its first line names no column, unlike that of other files"
        )
    return part._replace(has_header=True, names=tuple(name_columns(row)))


def _read_groups(parts: Sequence[CsvFile]) -> list[str]:
    """Return a SELECT of texts for each group of files that are written alike."""
    groups: dict[tuple[object, ...], list[CsvFile]] = {}
    for part in parts:
        groups.setdefault(part.form, []).append(part)
    return [_read_group(group) for group in groups.values()]


def _read_group(group: Sequence[CsvFile]) -> str:
    first = group[0]
    columns = ", ".join(f"{quote_text(name)}: 'VARCHAR'" for name in first.names)
    paths = quote_paths([part.text.path for part in group])
    return (
        f"select * from read_csv({paths}, auto_detect = false, columns = {{{columns}}}, "  # noqa: S608 - quoted
        f"header = {str(first.has_header).lower()}, skip = {first.skipped_lines}, "
        f"delim = {quote_text(first.delimiter)}, quote = {quote_text(first.quote)}, "
        f"escape = {quote_text(first.escape)})"
    )


def _parse_fixed_types(
    table: str, names: Sequence[str], fixed: Mapping[str, str]
) -> dict[str, ColumnType]:
    """Return the types that the report type fixes, by the names in the files."""
    known = {name.casefold(): name for name in names}
    for name in fixed:
        if name.casefold() not in known:
            raise InvalidFile(
                f"types.{table}.{name}: no file has this column; the columns are {', '.join(names)}"
            )
    return {known[name.casefold()]: parse_type(text) for name, text in fixed.items()}


def _check_fixed_types(
    connection: "DuckDBPyConnection",
    parts: Sequence[CsvFile],
    texts: str,
    fixed: Mapping[str, ColumnType],
) -> None:
    """Raise ``InvalidFile`` for the first value that its fixed type does not hold."""
    conditions = [kind.holds(quote_name(name)) for name, kind in fixed.items()]
    answers = check_all(connection, texts, conditions)
    for (name, kind), condition, is_fit in zip(fixed.items(), conditions, answers, strict=True):
        if not is_fit:
            found = _locate(connection, parts, texts, name, condition)
            raise InvalidFile(f"{found}, which is not {kind}")


def _explain_texts(
    connection: "DuckDBPyConnection",
    parts: Sequence[CsvFile],
    texts: str,
    types: Mapping[str, ColumnType],
) -> Iterator[str]:
    """Yield why columns that look like numbers are text."""
    columns = [name for name, kind in types.items() if kind == TEXT]
    if not columns:
        return
    sql = f"select {_quote_all(columns)} from ({texts}) limit {SAMPLE_ROWS}"  # noqa: S608 - names are quoted
    samples = zip(*connection.execute(sql).fetchall(), strict=True)
    for name, sample in zip(columns, samples, strict=False):
        values = [value for value in sample if value is not None]
        if has_decimal_commas(values):
            yield f"{name} is text; if its commas are decimal commas, fix its type: {COMMA_TYPE}"
        if has_many_numbers(values):
            condition = ColumnType("DOUBLE").holds(quote_name(name))
            if not all(check_all(connection, texts, [condition])):
                found = _locate(connection, parts, texts, name, condition)
                yield f"{name} is text: {found}"


def _locate(
    connection: "DuckDBPyConnection",
    parts: Sequence[CsvFile],
    texts: str,
    name: str,
    condition: str,
) -> str:
    """Return the file, line and column of the first value that misses the condition."""
    sql = f"select {quote_name(name)} from ({texts}) where not ({condition}) limit 1"  # noqa: S608 - names are quoted
    (value,) = fetch_row(connection, sql)
    problem = f"column {name} has {value[:MAX_SHOWN_CHARACTERS]!r}"
    for part in parts:
        own_names = [own.casefold() for own in part.names]
        if name.casefold() not in own_names:
            continue
        at = own_names.index(name.casefold())
        for line, row in _read_rows(part):
            if row[at : at + 1] == [value]:
                return f"{part.text.original.name}, line {line}, {problem}"
    return problem


def _describe_dialects(parts: Sequence[CsvFile]) -> list[Dialect]:
    counts = Counter(
        (part.delimiter, part.quote, part.text.encoding, part.has_header, part.skipped_lines)
        for part in parts
    )
    return [Dialect(count, *form) for form, count in counts.items()][:MAX_NOTES]


def _quote_all(names: Sequence[str]) -> str:
    return ", ".join(map(quote_name, names))

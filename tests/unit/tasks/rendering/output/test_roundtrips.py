"""Random tables in every format, read back with other libraries.

``TEST_TABLES=5000 pytest`` on this file tries 5,000 tables instead of some for CI.
"""

import csv
import json
import math
import re
import struct
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import openpyxl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import example, given

from tasks.rendering.data import queries
from tasks.rendering.data.queries import Selection
from tasks.rendering.data.table_files import name_columns
from tasks.rendering.definitions.schema import Output
from tasks.rendering.output.columns import FORMULA_PATTERN, is_textless
from tasks.rendering.render import write_rows
from tests.support.random_tables import EVERYTHING, PATIENCE, RandomColumn, tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

pytestmark = PATIENCE


class StoredTable(NamedTuple):
    """A table in DuckDB: its names, types, and DuckDB's own text of each value, by column."""

    selection: Selection
    names: list[str]
    kinds: list[str]
    texts: list[list[str | None]]


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator["DuckDBPyConnection"]:
    folder = tmp_path_factory.mktemp("database")
    database = queries.open_database({}, folder, 60)
    with database.connection as opened:
        opened.execute(f"set variable folder = '{folder}'")
        yield opened


def store(connection: "DuckDBPyConnection", table: Sequence[RandomColumn]) -> StoredTable:
    places = [f"c{at}" for at in range(len(table))]
    columns = ", ".join(f"{place} varchar" for place in places)
    connection.execute(f"create or replace temp table given (n integer, {columns})")
    for number, row in enumerate(zip(*(column.values for column in table), strict=True)):
        marks = ", ?" * len(row)
        connection.execute(f"insert into given values ({number}{marks})", row)  # noqa: S608
    casts = ", ".join(f"{p}::{column.kind} as {p}" for p, column in zip(places, table, strict=True))
    typed = f"select {casts} from given order by n"  # noqa: S608 - our own names
    connection.execute(f"create or replace temp table typed as {typed}")
    texts = ", ".join(f"{place}::varchar" for place in places)
    rows = connection.execute(f"select {texts} from typed").fetchall()  # noqa: S608
    named = ", ".join(
        f'{p} as "{column.name.replace(chr(34), chr(34) * 2)}"'
        for p, column in zip(places, table, strict=True)
    )
    return StoredTable(
        Selection(f"select {named} from typed"),  # noqa: S608
        name_columns([column.name for column in table]),
        [column.kind for column in table],
        [list(values) for values in zip(*rows, strict=True)] if rows else [[] for _ in table],
    )


def write(
    connection: "DuckDBPyConnection", table: StoredTable, output: Output, folder: Path
) -> Path:
    path = folder / f"file.{output}"
    assert write_rows(connection, table.selection, output, path, lambda _: None).rows == len(
        table.texts[0]
    )
    return path


@pytest.fixture
def folder(connection: "DuckDBPyConnection") -> Path:
    (place,) = connection.execute("select getvariable('folder')").fetchall()[0]
    return Path(place)


@given(tables())
@EVERYTHING
@example([RandomColumn("=1", "BIGINT", ["1"]), RandomColumn("=1", "VARCHAR", ["=1"])])
def test_csv_has_the_values(
    connection: "DuckDBPyConnection", folder: Path, table: list[RandomColumn]
) -> None:
    stored = store(connection, table)

    path = write(connection, stored, "csv", folder)

    with path.open(encoding="utf-8", newline="") as file:
        head, *lines = csv.reader(file)
    assert head == [guard(name) for name in stored.names]
    for at, (kind, texts) in enumerate(zip(stored.kinds, stored.texts, strict=True)):
        shown = [text or "" for text in texts]
        expected = shown if is_textless(kind) else list(map(guard, shown))
        assert [line[at] if line else "" for line in lines] == expected


def guard(text: str) -> str:
    return f"'{text}" if re.match(FORMULA_PATTERN, text) else text


@given(tables())
@EVERYTHING
@example([RandomColumn("x", "DOUBLE", ["nan", "-inf", None, "0.1"])])
def test_json_has_the_values(
    connection: "DuckDBPyConnection", folder: Path, table: list[RandomColumn]
) -> None:
    stored = store(connection, table)

    content = write(connection, stored, "json", folder).read_text(encoding="utf-8")

    rows = json.loads(
        content, parse_float=Decimal, parse_constant=pytest.fail, object_pairs_hook=list
    )
    assert all([name for name, _ in row] == stored.names for row in rows)
    for at, (kind, texts) in enumerate(zip(stored.kinds, stored.texts, strict=True)):
        for row, text in zip(rows, texts, strict=True):
            check_json(kind, row[at][1], text)


def check_json(kind: str, value: Any, text: str | None) -> None:
    if text is None or (kind in ("FLOAT", "DOUBLE") and not math.isfinite(float(text))):
        assert value is None
    elif kind in ("FLOAT", "DOUBLE"):
        assert to_float(kind, value) == float(text)
    elif kind == "BOOLEAN":
        assert value is (text == "true")
    elif kind == "HUGEINT[]":
        assert value == json.loads(text)
    elif kind == "DOUBLE[]":
        assert [float(each) for each in value] == pytest.approx(as_floats(text), nan_ok=True, rel=0)
    elif is_number(kind):
        assert Decimal(value) == Decimal(text)
    else:
        assert value == text


def to_float(kind: str, value: float | Decimal) -> float:
    """Return the number that DuckDB's text of a value means: of a FLOAT the shortest one."""
    if kind == "DOUBLE" or not math.isfinite(value):
        return float(value)
    digits = range(1, 10)
    shorter = (float(f"{value:.{count}g}") for count in digits)
    return next(each for each in shorter if as_single(each) == as_single(float(value)))


def as_single(value: float) -> float:
    try:
        (single,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:  # rounding up exceeded the largest FLOAT
        return math.inf
    return float(single)


def as_floats(text: str) -> list[float]:
    return [float(each) for each in text.strip("[]").split(", ") if each]


def is_number(kind: str) -> bool:
    return kind.endswith("INT") or kind.startswith(("INTEGER", "DECIMAL", "BIGNUM"))


@given(tables())
@EVERYTHING
@example([RandomColumn("x", "HUGEINT", [str(2**100)]), RandomColumn("y", "DATE", ["infinity"])])
def test_parquet_has_the_values(
    connection: "DuckDBPyConnection", folder: Path, table: list[RandomColumn]
) -> None:
    stored = store(connection, table)

    read = pyarrow.parquet.read_table(write(connection, stored, "parquet", folder))

    assert read.column_names == stored.names
    for at, (kind, texts) in enumerate(zip(stored.kinds, stored.texts, strict=True)):
        own = connection.execute(f"select {native(kind, f'c{at}')} from typed").fetchall()  # noqa: S608
        check_parquet(kind, read.column(at), texts, [value for (value,) in own])


def native(kind: str, place: str) -> str:
    if kind == "DATE":
        return f"if(isinf({place}), null, date_diff('day', date '1970-01-01', {place}))"
    if kind == "TIMESTAMP_NS":
        return f"epoch_ns({place})"
    if kind.startswith("TIMESTAMP"):
        return f"if(isinf({place}), null, epoch_us({place}))"
    return place


def check_parquet(kind: str, column: Any, texts: list[str | None], own: list[Any]) -> None:
    values = column.type
    if pa.types.is_string(values) and kind != "HUGEINT[]":
        assert column.to_pylist() == texts
    elif kind == "DATE":
        assert column.cast(pa.int32()).to_pylist() == own
    elif kind.startswith("TIMESTAMP"):
        assert column.cast(pa.int64()).to_pylist() == own
    elif kind in ("FLOAT", "DOUBLE", "DOUBLE[]"):
        assert repr(column.to_pylist()) == repr(own)
    elif kind == "HUGEINT[]":
        given = [None if each is None else list(map(int, each)) for each in column.to_pylist()]
        assert given == own
    elif kind == "TIME":
        assert column.to_pylist() == own
    else:
        assert [None if each is None else each for each in column.to_pylist()] == own


@given(tables())
@EVERYTHING
@example([RandomColumn("d", "DATE", ["1899-12-31", "2026-01-01", "infinity"])])
@example(
    [RandomColumn("t", "VARCHAR", ["x" * 40_000]), RandomColumn("n", "DECIMAL(38,10)", ["1" * 28])]
)
def test_a_workbook_has_the_values(
    connection: "DuckDBPyConnection", folder: Path, table: list[RandomColumn]
) -> None:
    stored = store(connection, table)

    path = write(connection, stored, "xlsx", folder)

    (sheet,) = openpyxl.load_workbook(path).worksheets
    head, *lines = sheet.iter_rows(values_only=True)
    assert [unescape(name) for name in head] == stored.names
    for at, (kind, texts) in enumerate(zip(stored.kinds, stored.texts, strict=True)):
        for line, text in zip_longest(lines[: len(texts)], texts, fillvalue=()):
            check_cell(kind, line[at] if at < len(line) else None, text)


def unescape(text: str) -> str:
    return re.sub("_x([0-9A-F]{4})_", lambda match: chr(int(match[1], 16)), text)


def check_cell(kind: str, cell: Any, text: str | None) -> None:
    if not text:
        assert cell in (None, "")
    elif isinstance(cell, bool):
        assert text == str(cell).lower()
    elif isinstance(cell, datetime):
        shown = f"{cell:%Y-%m-%d}" if kind == "DATE" else ""
        if kind == "DATE":
            assert shown == text
        else:
            assert abs((cell - datetime.fromisoformat(text)).total_seconds()) < 0.002
    elif isinstance(cell, int | float):
        if kind in ("FLOAT", "DOUBLE"):
            assert to_float(kind, cell) == float(text)
        else:
            assert Decimal(repr(cell)) == Decimal(text)
    elif len(text.encode("utf-16-le")) > 2 * 32_767:
        kept = unescape(cell).removesuffix(" [cut]")
        assert kept != cell
        assert text.startswith(kept)
        assert len(kept.encode("utf-16-le")) // 2 >= 32_760
    else:
        assert unescape(cell) == text

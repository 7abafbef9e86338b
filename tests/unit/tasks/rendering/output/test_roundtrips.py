"""Random tables in every format, read back with other libraries.

``CONTINUO_TABLES=5000 pytest`` on this file tries 5,000 tables instead of some for CI.
"""

import csv
import json
import math
import os
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import hypothesis.strategies as st
import openpyxl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, example, given, settings

from tasks.rendering.data import queries
from tasks.rendering.data.queries import Selection
from tasks.rendering.data.sources import build_tables
from tasks.rendering.data.table_files import name_columns
from tasks.rendering.definitions.schema import Origin, Output
from tasks.rendering.output.columns import FORMULA_PATTERN, is_textless
from tasks.rendering.render import write_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TABLES = int(os.environ.get("CONTINUO_TABLES", "150"))
pytestmark = pytest.mark.timeout(max(120, TABLES // 5))
EVERYTHING = settings(
    max_examples=TABLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ODD_TEXTS = st.sampled_from(
    [
        *("", "=1+1", "\t=1", "@x", "-5", "01234", "_x0041_", "a,b", 'say "x"', "a\r\nb", "\r"),
        *(
            "\ufffe",
            "\x01",
            "👩\u200d💻",
            "x" * 32_768,
            "👩" * 17_000,
            "NaN",
            "null",
            "\u202eabc",
            " x ",
        ),
    ]
)
SPECIAL_FLOATS = st.sampled_from(["nan", "inf", "-inf", "1e308", "5e-324", "-0.0"])
DAYS = st.dates().map(str) | st.sampled_from(
    ["infinity", "-infinity", "1899-12-31", "1900-01-01", "0044-03-15 (BC)", "12026-01-01"]
)
MOMENTS = st.datetimes().map(str) | st.sampled_from(
    ["infinity", "-infinity", "1899-12-31 23:59:59", "1900-01-01 00:00:00", "12026-01-01 10:00:00"]
)


def integers(bits: int, *, signed: bool) -> st.SearchStrategy[str]:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.integers(low, high).map(str)


def decimals(digits: int, scale: int) -> st.SearchStrategy[str]:
    limit = 10**digits - 1
    return st.integers(-limit, limit).map(lambda value: place_point(value, scale))


def place_point(value: int, scale: int) -> str:
    digits = f"{abs(value):0{scale + 1}}"
    return f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


VALUES: dict[str, st.SearchStrategy[str]] = {
    "BOOLEAN": st.sampled_from(["true", "false"]),
    "TINYINT": integers(8, signed=True),
    "INTEGER": integers(32, signed=True),
    "BIGINT": integers(64, signed=True),
    "HUGEINT": integers(128, signed=True) | integers(40, signed=True),
    "UBIGINT": integers(64, signed=False),
    "UHUGEINT": integers(128, signed=False),
    "FLOAT": st.floats(width=32).map(str) | SPECIAL_FLOATS.filter(lambda text: len(text) < 5),
    "DOUBLE": st.floats().map(str) | SPECIAL_FLOATS,
    "DECIMAL(9,2)": decimals(9, 2),
    "DECIMAL(18,3)": decimals(18, 3),
    "DECIMAL(38,10)": decimals(20, 10) | decimals(38, 10),
    "VARCHAR": TEXTS | ODD_TEXTS,
    "BLOB": st.binary(max_size=5).map(lambda value: "".join(f"\\x{byte:02X}" for byte in value)),
    "DATE": DAYS,
    "TIME": st.times().map(str),
    "TIMESTAMP": MOMENTS,
    "TIMESTAMP_NS": st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001
        lambda moment: f"{moment:%Y-%m-%d %H:%M:%S.%f}123"
    ),
    "TIMESTAMP WITH TIME ZONE": st.datetimes(datetime(1800, 1, 1)).map(lambda at: f"{at}+00"),  # noqa: DTZ001
    "INTERVAL": st.sampled_from(["3 days", "1 month 2 days 00:00:00.000001", "-1 year"]),
    "UUID": st.uuids().map(str),
    "BIGNUM": integers(200, signed=True),
    "HUGEINT[]": st.lists(integers(128, signed=True), max_size=2).map(
        lambda values: f"[{', '.join(values)}]"
    ),
    "DOUBLE[]": st.lists(SPECIAL_FLOATS, max_size=2).map(lambda values: f"[{', '.join(values)}]"),
}
NAMES = TEXTS.filter(bool) | st.sampled_from(["id", "ID", "Id", "id_1", "=1", "a b", '"', "'"])


class RandomColumn(NamedTuple):
    """The name of a column, its DuckDB type, and its values as texts."""

    name: str
    kind: str
    values: Sequence[str | None]


@st.composite
def tables(draw: st.DrawFn) -> list[RandomColumn]:
    rows = draw(st.integers(0, 4))
    kinds = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=5))
    return [
        RandomColumn(
            draw(NAMES),
            kind,
            draw(st.lists(st.none() | VALUES[kind], min_size=rows, max_size=rows)),
        )
        for kind in kinds
    ]


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


AMOUNTS = st.decimals(-(10**6), 10**6, places=2) | st.integers(-(10**9), 10**9)

type Writer = Callable[[Sequence[str], Path], None]


def write_csv(texts: Sequence[str], path: Path) -> None:
    path.with_suffix(".csv").write_text("amount\n" + "\n".join(texts) + "\n")


def write_arrow_csv(texts: Sequence[str], path: Path) -> None:
    amounts = pa.array([Decimal(text) for text in texts])
    pyarrow.csv.write_csv(pa.table({"amount": amounts}), path.with_suffix(".csv"))


def write_ndjson(texts: Sequence[str], path: Path) -> None:
    lines = "".join(f'{{"n": {at}, "amount": {text}}}\n' for at, text in enumerate(texts))
    path.with_suffix(".ndjson").write_text(lines)


def write_parquet(texts: Sequence[str], path: Path) -> None:
    for at, text in enumerate(texts):
        table = pa.table({"amount": pa.array([Decimal(text)])})
        pyarrow.parquet.write_table(table, path.with_name(f"{at}.parquet"))


@pytest.mark.parametrize("writer", [write_csv, write_arrow_csv, write_ndjson, write_parquet])
@given(st.lists(AMOUNTS, min_size=1, max_size=8))
@settings(EVERYTHING, max_examples=max(TABLES // 15, 5))
def test_the_sum_of_what_others_write_is_exact(
    tmp_path_factory: pytest.TempPathFactory, writer: Writer, amounts: list[Decimal | int]
) -> None:
    home = tmp_path_factory.mktemp("home")
    texts = [str(amount) for amount in amounts]
    writer(texts, home / "file")
    files = build_tables(Origin(title="t", files={"data": "*"}), home, home)

    with queries.open_database(files, home, 60).connection as opened:
        ((total,),) = opened.execute("select sum(amount) from data").fetchall()

    assert Decimal(total) == sum(map(Decimal, texts))

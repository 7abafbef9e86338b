"""What a query sees of files that people have."""

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasks.rendering.data import queries
from tasks.rendering.data.sources import build_tables
from tasks.rendering.data.table_files import InvalidFile, name_columns
from tasks.rendering.definitions.schema import Origin, ReadAs

type Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "[x] r 'ü' #1%"
    folder.mkdir()
    return folder


def run(home: Path, pattern: str, sql: str, **types: str) -> list[tuple[Any, ...]]:
    origin = Origin(title="t", files={"data": pattern}, types={"data": types} if types else {})
    database = queries.open_database(build_tables(origin, home, home), home, 60)
    with database.connection as connection:
        return connection.execute(sql).fetchall()


def read_as(home: Path, pattern: str, **types: str) -> ReadAs:
    origin = Origin(title="t", files={"data": pattern}, types={"data": types} if types else {})
    database = queries.open_database(build_tables(origin, home, home), home, 60)
    database.connection.close()
    return database.read_as["data"]


def types_of(home: Path, pattern: str) -> dict[str, str]:
    return read_as(home, pattern).columns


def test_a_late_decimal_is_part_of_the_sum(home: Path) -> None:
    lines = "".join(f"{number},1\n" for number in range(30_000))
    (home / "a.csv").write_text(f"id,amount\n{lines}30001,2.75\n")

    assert run(home, "a.csv", "select sum(amount) from data") == [(Decimal("30002.75"),)]


def test_decimals_are_added_exactly(home: Path) -> None:
    (home / "a.csv").write_text("amount\n" + "0.1\n" * 10)

    assert run(home, "a.csv", "select sum(amount) = 1 from data") == [(True,)]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-2"], "BIGINT"),
        (["9223372036854775807"], "BIGINT"),
        (["9223372036854775808"], "HUGEINT"),
        (["1" * 38], "HUGEINT"),
        (["1" * 39], "VARCHAR"),
        (["01234"], "VARCHAR"),
        (["1", "007"], "VARCHAR"),
        (["00"], "VARCHAR"),
        (["0", "0.50"], "DECIMAL(18,2)"),
        (["+4930123456"], "VARCHAR"),
        (["12E4"], "VARCHAR"),
        (["1", "2.5", "3.125"], "DECIMAL(38,3)"),
        ([" 1", "2 "], "BIGINT"),
        (["0.30000000000000004"], "DOUBLE"),
        (["1e-07", "2"], "DOUBLE"),
        (["1e+400"], "VARCHAR"),
        (["0.1234567890123456789"], "DECIMAL(38,19)"),
        (["0." + "1234567890" * 4], "VARCHAR"),
        (["1.5", "nan", "-inf"], "DOUBLE"),
        (["1", "n/a"], "VARCHAR"),
        (["true", "FALSE"], "BOOLEAN"),
        (["true", "1"], "VARCHAR"),
        (["2026-01-31"], "DATE"),
        (["2026-02-30"], "VARCHAR"),
        (["2026-01-31", "2026-01-31 10:00"], "TIMESTAMP"),
        (["2026-01-31T10:00:00.123456789"], "TIMESTAMP_NS"),
        (["2026-01-31T23:00:00+02:00", "2026-01-31T23:00:00Z"], "TIMESTAMPTZ"),
        (["2026-01-31", "2026-01-31T23:00:00+02:00"], "VARCHAR"),
        (["08:15", "23:59:59"], "TIME"),
        (["24:00"], "VARCHAR"),
        (["31.12.2026"], "DATE %d.%m.%Y"),
        (["31/12/2026", "1/2/2026"], "DATE %d/%m/%Y"),
        (["1/2/2026", "12/31/2026"], "DATE %m/%d/%Y"),
        (["1/2/2026", "2/3/2026"], "VARCHAR"),
        (["2/2/2026"], "DATE %d/%m/%Y"),
        (["31/12/2026 10:05"], "TIMESTAMP %d/%m/%Y %H:%M"),
        (["1,5"], "VARCHAR"),
    ],
)
def test_the_type_is_the_first_that_holds_every_value(
    home: Path, texts: list[str], kind: str
) -> None:
    (home / "a.csv").write_text("x|y\n" + "".join(f"{text}|\n" for text in texts))

    assert types_of(home, "a.csv") == {"x": kind, "y": "VARCHAR"}


@pytest.mark.parametrize(
    ("first", "late", "kind"),
    [
        ("1", "01", "VARCHAR"),
        ("", "2.5", "DECIMAL(18,2)"),
        ("2026-01-01", "2026-01-01T10:00:00", "TIMESTAMP"),
        ("1", "x", "VARCHAR"),
    ],
)
def test_a_late_value_decides_the_type_too(home: Path, first: str, late: str, kind: str) -> None:
    kind = kind.replace("18,2", "18,1")
    (home / "a.csv").write_text("x,y\n" + f"{first},1\n" * 25_000 + f"{late},2\n")

    assert types_of(home, "a.csv")["x"] == kind


def test_times_and_offsets_are_kept(home: Path) -> None:
    (home / "a.csv").write_text(
        "d,t\n2026-01-01,2026-01-01T23:00:00-05:00\n2026-01-02 10:30,2026-01-01T00:00:00Z\n"
    )

    assert run(home, "a.csv", "select max(d), max(t) from data") == [
        (datetime(2026, 1, 2, 10, 30), datetime(2026, 1, 2, 4, tzinfo=UTC))  # noqa: DTZ001
    ]


def test_files_are_joined_by_name(home: Path) -> None:
    (home / "1.csv").write_text("name,city\nAda,London\n")
    (home / "2.csv").write_text("City;name;age\nBonn;Bea;7\n")

    rows = run(home, "*.csv", "select name, city, age from data order by name")

    assert rows == [("Ada", "London", None), ("Bea", "Bonn", 7)]


def test_a_file_without_rows_takes_part(home: Path) -> None:
    (home / "1.csv").write_text("1,2\n3,4\n".replace("1,2", "a,b"))
    (home / "2.csv").write_text("a,b\n")

    assert run(home, "*.csv", "select sum(a), sum(b) from data") == [(3, 4)]


def test_columns_of_one_name_keep_their_values(home: Path) -> None:
    (home / "a.csv").write_text("id,ID,id,\n1,2,3,4\n")

    assert run(home, "a.csv", "select id, ID_1, id_2, column3 from data") == [(1, 2, 3, 4)]


def test_names_are_told_apart() -> None:
    assert name_columns(["id", "ID", "id_1", "id"]) == ["id", "ID_2", "id_1", "id_3"]


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-16", "utf-16-le"),
        ("utf-8-sig", "utf-8"),
        ("cp1252", "cp1252"),
        ("utf-16-be", "utf-16-be"),
    ],
)
@pytest.mark.parametrize("is_zipped", [False, True])
def test_encodings_are_found(home: Path, encoding: str, shown: str, is_zipped: bool) -> None:
    content = '"name";city\nZoë;Köln €\n'.encode(encoding)
    name = "a.csv.gz" if is_zipped else "a.csv"
    (home / name).write_bytes(gzip.compress(content) if is_zipped else content)

    assert run(home, "a.csv*", "select name, city from data") == [("Zoë", "Köln €")]
    assert read_as(home, "a.csv*").dialects[0].encoding == shown


def test_a_file_for_excel_says_its_own_delimiter(home: Path) -> None:
    (home / "a.csv").write_text("sep=;\nname;city\nAda;London\n")

    assert run(home, "a.csv", "select name, city from data") == [("Ada", "London")]


def test_a_late_quote_is_a_quote(home: Path) -> None:
    (home / "a.csv").write_text("a,b\n" + "x,1\n" * 30_000 + '"y,z",2\n')

    assert run(home, "a.csv", "select max(a), sum(b) from data") == [("y,z", 30_002)]


@pytest.mark.parametrize("line", ["3,4,5", "6"])
def test_a_line_with_another_number_of_cells_is_named(home: Path, line: str) -> None:
    import duckdb

    (home / "a.csv").write_text(f"a,b\n1,2\n{line}\n7,8\n")

    with pytest.raises(duckdb.InvalidInputException, match=r"Line: 3[\s\S]*a\.csv"):
        run(home, "a.csv", "select sum(a) from data")


def test_fixed_types_win(home: Path) -> None:
    (home / "a.csv").write_text("code,day,n\n1,01/02/2026,007\n")

    sql = "select code, day, n from data"
    rows = run(home, "a.csv", sql, code="VARCHAR", Day="DATE %d/%m/%Y", n="BIGINT")

    assert rows == [("1", date(2026, 2, 1), 7)]


@pytest.mark.parametrize(
    ("kind", "text"),
    [("BIGINT", "2.75"), ("DATE", "2026-01-01 10:00"), ("DECIMAL(18,2)", "1.005"),
     ("TIMESTAMP", "2026-01-01T10:00:00+02:00"), ("DATE %d/%m/%Y", "31/31/2026")],
)  # fmt: skip
def test_a_value_that_a_fixed_type_would_change_is_named(home: Path, kind: str, text: str) -> None:
    (home / "a.csv").write_text(f'n,x\n"two\nlines",\n2,{text}\n')

    with pytest.raises(InvalidFile, match=r"a\.csv, line 4, column x has .* is not "):
        run(home, "a.csv", "select 1", x=kind)


def test_an_unknown_fixed_column_is_named(home: Path) -> None:
    (home / "a.csv").write_text("a,b\n1,2\n")

    with pytest.raises(InvalidFile, match=r"types\.data\.c: no file has this column; .* a, b"):
        run(home, "a.csv", "select 1", c="BIGINT")


def test_the_result_says_why_numbers_are_text(home: Path) -> None:
    (home / "a.csv").write_text("id,amount\n" + "1,2\n" * 2_000 + "3,n/a\n")

    read = read_as(home, "a.csv")

    assert read.columns == {"id": "BIGINT", "amount": "VARCHAR"}
    assert read.notes == ["amount is text: a.csv, line 2002, column amount has 'n/a'"]
    assert (read.files, read.format, read.dialects[0].delimiter) == (1, "csv", ",")


def test_fields_of_json_that_come_late_are_read(home: Path) -> None:
    (home / "a.ndjson").write_text(
        '{"a": 1, "s": "01"}\n' * 30_000 + '{"a": 2.75, "s": "7", "b": "x"}\n'
    )

    sql = "select sum(a), count(b), min(s) from data"

    assert run(home, "a.ndjson", sql) == [(Decimal("30002.75"), 1, "01")]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (['"2026-01-01"', '"2026-01-01T10:00:00"'], "TIMESTAMP"),
        (['"2026-01-01T23:00:00+02:00"'], "TIMESTAMPTZ"),
        (['"2026-01-01"', '"2026-01-01T23:00:00+02:00"'], "VARCHAR"),
        (["12345678901234567890123", "1"], "HUGEINT"),
        (["0.10", "2"], "DECIMAL(18,1)"),
        (['"5"'], "VARCHAR"),
        (['"5"', "5"], "VARCHAR"),
        (["true", "null"], "BOOLEAN"),
        (['"31.12.2026"'], "VARCHAR"),
        (["null"], "VARCHAR"),
        (['{"b": 1}'], "STRUCT(b BIGINT)"),
    ],
)
def test_json_values_keep_their_kind(home: Path, values: list[str], kind: str) -> None:
    (home / "a.json").write_text("[" + ", ".join(f'{{"x": {value}}}' for value in values) + "]")

    assert types_of(home, "a.json") == {"x": kind}


def test_a_fixed_type_of_json_is_checked(home: Path) -> None:
    (home / "a.json").write_text('[{"x": "1"}, {"x": "y"}]')

    with pytest.raises(InvalidFile, match="column x has 'y', which is not BIGINT"):
        run(home, "a.json", "select 1", x="BIGINT")


@pytest.fixture
def parquet(home: Path) -> Iterator[Callable[[str, str], None]]:
    import duckdb

    with duckdb.connect() as connection:
        yield lambda name, sql: connection.sql(sql).to_parquet(str(home / name))


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("10::bigint", "2.75::double", "DOUBLE"),
        ("9007199254740993::bigint", "2.75::double", "DECIMAL(38,2)"),
        ("1::integer", "9223372036854775807::bigint", "BIGINT"),
        ("-1::bigint", "18446744073709551615::ubigint", "HUGEINT"),
        ("0.1::decimal(18,1)", "7::bigint", "DECIMAL(38,1)"),
        ("0.1::decimal(18,1)", "7.25::decimal(9,2)", "DECIMAL(38,2)"),
        ("0.5::float", "0.2::double", "DOUBLE"),
        ("date '2026-01-01'", "timestamp '2026-01-01 10:00'", "TIMESTAMP"),
        ("timestamp '2026-01-01 10:00'", "timestamptz '2026-01-01 10:00+02'", "VARCHAR"),
        ("1::bigint", "'x'", "VARCHAR"),
        ("'01'", "'x'", "VARCHAR"),
    ],
)
def test_parquet_files_are_joined_with_a_type_that_holds_all_values(
    home: Path, parquet: Callable[[str, str], None], first: str, second: str, kind: str
) -> None:
    parquet("1.parquet", f"select {first} as x")
    parquet("2.parquet", f"select 'new' as extra, {second} as X")

    assert types_of(home, "*.parquet") == {"x": kind, "extra": "VARCHAR"}
    given = [run(home, f"{n}.parquet", "select x::varchar from data")[0][0] for n in (1, 2)]
    read = run(home, "*.parquet", "select x, extra from data order by extra nulls first")
    assert [row[1] for row in read] == [None, "new"]
    if kind.startswith(("D", "B", "H")):
        assert [Decimal(str(row[0])) for row in read] == [Decimal(text) for text in given]
    elif kind == "VARCHAR":
        assert [row[0] for row in read] == given


def test_a_fixed_type_of_parquet_is_checked(
    home: Path, parquet: Callable[[str, str], None]
) -> None:
    parquet("1.parquet", "select 2.75::double as x, '007' as code")

    assert run(home, "1.parquet", "select code from data", code="BIGINT") == [(7,)]
    with pytest.raises(InvalidFile, match="column x has a value that is not BIGINT"):
        run(home, "1.parquet", "select 1", x="BIGINT")

"""Random tables of every DuckDB type, as texts."""

import os
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings

TABLES = int(os.environ.get("TEST_TABLES", "150"))
PATIENCE = pytest.mark.timeout(max(120, TABLES // 5))
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

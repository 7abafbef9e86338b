"""Sums of decimals in files that other programs wrote."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given, settings

from tasks.rendering.data import queries
from tasks.rendering.data.sources import build_tables
from tasks.rendering.definitions.schema import Origin
from tests.support.random_tables import EVERYTHING, PATIENCE, TABLES

pytestmark = PATIENCE
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

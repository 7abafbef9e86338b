"""Tiles, totals and lines of one report say the same."""

import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from project.errors import PermanentError
from tasks.rendering.data import queries, sources
from tasks.rendering.definitions.report_types import TYPES_FOLDER, load_types_in
from tasks.rendering.output.page import LINES_TABLE, build_page
from tasks.rendering.process import run_render_process
from tasks.reports.documents import build_report_order

MEASURE = re.compile(r"\b(sum|avg|max|min|count)\([^()]*(?:\([^()]*\)[^()]*)*\)")


@pytest.mark.parametrize("name", load_types_in(TYPES_FOLDER))
def test_tiles_agree_with_the_totals_of_the_table(name: str, tmp_path: Path) -> None:
    order = build_report_order(name, {}, ["pdf"], tmp_path)
    definition = order.definition
    assert definition
    tables = sources.build_tables(order.origin, Path(order.home), Path(order.demo_dir))
    with queries.open_database(tables, tmp_path, 60).connection as connection:
        selection = queries.check_query(connection, order.sql, order.filters)
        build_page(order, definition, connection, selection)
        rows = connection.table("report_rows")

        def value_of(sql: str) -> Any:
            return rows.aggregate(sql).fetchall()[0][0]

        totals = {column.label: column.total for column in definition.columns if column.total}
        for kpi in definition.kpis:
            for total in totals.values():
                if measure_of(kpi.value) == measure_of(total):
                    agrees = value_of(kpi.value) == value_of(total)
                    assert agrees or "without" in kpi.label, kpi.label
        for label, total in totals.items():
            if total.startswith(("sum(", "count(")):
                lines = connection.table(LINES_TABLE).aggregate(f'sum("{label}")').fetchall()[0][0]
                assert Decimal(str(lines)) == Decimal(str(value_of(total)))


def measure_of(sql: str) -> str:
    """Return the aggregate that an expression is, without its filter; "" for other expressions."""
    sql = sql.removeprefix("coalesce(")
    found = MEASURE.match(sql)
    is_plain = found is not None and sql[found.end() :].lstrip().startswith("filter")
    return found[0] if found and is_plain else sql


def test_a_cut_cell_is_counted_in_the_result(tmp_path: Path) -> None:
    order = build_report_order("monthly", {}, ["xlsx"], tmp_path)
    sql = "select repeat('x', 40000) as long, $month, $department from spend limit 2"
    cut = msgspec.structs.replace(order, sql=sql, definition=None)

    result = run_render_process(cut)

    assert result.warnings == ["2 cells are cut in the spreadsheet, to 32,767 characters"]


def test_characters_without_a_glyph_are_named_in_the_result(tmp_path: Path) -> None:
    order = build_report_order("monthly", {"month": "2026-05"}, ["pdf"], tmp_path)
    vendors = "'𓀀 漢 Zoë Ωmega a' || chr(8205) as vendor"
    odd = order.sql.replace("vendor,", f"{vendors},", 1)

    result = run_render_process(msgspec.structs.replace(order, sql=odd))

    assert result.warnings == ["The fonts of the PDF lack 𓀀 (U+13000); it shows boxes instead"]


def test_a_report_in_latin_letters_has_no_warning(tmp_path: Path) -> None:
    assert not run_render_process(build_report_order("shop", {}, ["pdf"], tmp_path)).warnings


def test_columns_of_one_name_are_told_apart_in_a_result(tmp_path: Path) -> None:
    order = build_report_order("monthly", {}, ["csv", "json"], tmp_path)
    sql = "select 1 as id, 2 as ID, 3 as id, $month, $department"
    twice = msgspec.structs.replace(order, sql=sql, definition=None)

    files = run_render_process(twice).files

    assert (tmp_path / files["csv"]).read_text().startswith("id,ID_1,id_2,")
    assert '"id":1,"ID_1":2,"id_2":3' in (tmp_path / files["json"]).read_text()


def test_a_sum_of_decimal_commas_fails_with_the_type_to_fix(tmp_path: Path) -> None:
    shutil.copytree(TYPES_FOLDER / "shop", home := tmp_path / "shop")
    for file in (home / "data").iterdir():
        file.unlink()
    (home / "data" / "orders-1.csv").write_text(
        "order_id;ordered;country;channel;product;quantity;price\n"
        "S-1;2026-05-13;Austria;Store;Mug;2;14,50\n"
    )
    order = build_report_order("shop", {}, ["pdf"], tmp_path)

    with pytest.raises(
        PermanentError, match=r"(?s)VARCHAR.*orders: price is text.*fix its type: DECIMAL"
    ):
        run_render_process(msgspec.structs.replace(order, home=str(home)))

"""Named queries and exports."""

import csv
import io
import json
import resource
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from project.artifacts import links
from project.errors import InvalidField, PermanentError
from tasks.exports import files
from tasks.rendering.data import demo_spend
from tasks.rendering.definitions import named_queries
from tasks.rendering.definitions.schema import Output, RenderProgress

LEGAL = {"department": "legal", "month": "2026-05"}


def locate_file(result: dict[str, Any]) -> Path:
    place = links.locate(links.resolve_link(result["download_url"].rpartition("/")[2]))
    assert isinstance(place, Path)
    return place


def export(output: Output, filters: dict[str, Any], *wanted: str) -> dict[str, Any]:
    return files.build_export(files.resolve_export(filters, *wanted), output)


@pytest.mark.parametrize(
    ("source", "query"),
    [("flights", "routes"), ("flights", "departures"), ("spend", "invoices"), ("spend", "vendors")],
)
def test_every_query_can_be_exported(source: str, query: str) -> None:
    filters: dict[str, Any] = {"carrier": "HA"} if source == "flights" else LEGAL

    result = export("parquet", filters, "", source, query)
    found = duckdb.read_parquet(str(locate_file(result)))

    assert result["rows"] == len(found.fetchall()) > 0
    assert result["filename"] == f"{source}-{query}.parquet"


@pytest.mark.parametrize("output", files.OUTPUTS)
def test_the_rows_of_a_report_can_be_exported(output: Output) -> None:
    result = export(output, LEGAL, "monthly", "", "")
    content = locate_file(result)
    count = sum(
        row[2] == "legal" and row[1][:7] == "2026-05" for row in demo_spend.generate_invoices()
    )
    assert (result["export"], result["rows"]) == ("monthly", count)
    if output == "csv":
        assert len(list(csv.reader(io.StringIO(content.read_text())))) == count + 1
    if output == "json":
        assert len(json.loads(content.read_text())) == count


def test_a_query_accepts_only_the_filters_that_it_binds() -> None:
    with pytest.raises(InvalidField, match=r"filters\.origin: .* allowed: carrier, month"):
        files.resolve_export({"origin": "JFK"}, "", "flights", "routes")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (("", "", ""), "type"),
        (("monthly", "flights", "routes"), "type"),
        (("weekly", "", ""), "type"),
        (("", "trains", "routes"), "source"),
        (("", "flights", "../routes"), "query"),
        (("", "flights", ""), "query"),
        (("", "", "routes"), "source"),
    ],
)
def test_an_unknown_source_or_query_is_refused(wanted: tuple[str, str, str], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        files.resolve_export({}, *wanted)
    assert caught.value.field == field


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the sources, to break."""
    return Path(shutil.copytree(named_queries.SOURCES_FOLDER, tmp_path / "sources"))


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("source.toml", "title = ", "titel = ", "titel"),
        ("source.toml", 'sources = ["spend"]', "", "sources or files"),
        ("source.toml", 'sources = ["spend"]', 'sources = ["users"]', "sources"),
        ("source.toml", "seconds = 600", "seconds = 601", "seconds"),
        ("vendors.sql", "$month", "$year", "vendors.sql: source.toml has no parameter 'year'"),
    ],
)
def test_an_invalid_source_is_refused_with_the_place(
    sources: Path, file: str, old: str, new: str, said: str
) -> None:
    path = sources / "spend" / file
    assert old in path.read_text()

    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(PermanentError, match="'spend'") as caught:
        named_queries.load_queries_in(sources)
    assert said in str(caught.value)


ROWS = 1_000_000
MEMORY = 350 << 20

MANY = """
select i as id, date '2026-01-01' + (i % 365)::integer as day, 'Vendor ' || (i % 5000) as vendor,
    (i % 100000) / 100 as amount, 'a note of some length ' || i as note
from range({rows}) t(i), (select count(*) from flights) u
"""


def export_many(output: Output, folder: Path) -> tuple[int, list[RenderProgress], int]:
    """Rows, steps and the press's memory in bytes: to be called in a process of its own."""
    from tasks.rendering.process import run_render_process

    order = files.build_export_order(
        files.resolve_export({}, "", "flights", "departures"), output, folder
    )
    steps: list[RenderProgress] = []
    many = msgspec.structs.replace(order, sql=MANY.format(rows=ROWS), filters={})
    made = run_render_process(many, steps.append)
    return made.rows, steps, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10


@pytest.mark.parametrize("output", ["csv", "parquet", "json"])
def test_a_million_rows_are_exported_in_bounded_memory(output: Output, tmp_path: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        rows, steps, memory = apart.submit(export_many, output, tmp_path).result(100)

    assert rows == ROWS
    assert steps[-1] == RenderProgress(ROWS, ROWS, "written")
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert memory < MEMORY


def test_rows_beyond_one_sheet_continue_on_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    from tasks.rendering.data import queries
    from tasks.rendering.data.queries import Selection
    from tasks.rendering.output import xlsx

    monkeypatch.setattr(xlsx, "MAX_ROWS_PER_SHEET", 40)
    path = tmp_path / "a.xlsx"
    numbers = Selection(
        "select i, (1::bigint << 60) + i as large, time '10:00' as at from range(100) t(i)"
    )
    with queries.open_database({}, tmp_path, 10).connection as connection:
        style = xlsx.SheetStyle()

        assert (
            xlsx.write_workbook(connection, numbers, path, 100, lambda _: None, style).rows == 100
        )
    with zipfile.ZipFile(path) as archive:
        sheets = [archive.read(f"xl/worksheets/sheet{n}.xml").decode() for n in (1, 2, 3)]
        assert archive.testzip() is None

    assert [sheet.count("<row ") for sheet in sheets] == [41, 41, 21]
    assert "<v>99.0</v>" in sheets[2]
    assert "<t>10:00:00</t>" in sheets[0]
    assert f"<t>{2**60 + 99}</t>" in sheets[2]

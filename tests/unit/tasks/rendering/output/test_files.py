"""The files of a report in all formats, from one definition."""

import csv
import hashlib
import io
import json
import re
import time
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pypdf
import pytest

from project.artifacts import links
from project.errors import InvalidField
from tasks.rendering.definitions.schema import Output, RenderOrder, RenderProgress
from tasks.rendering.process import run_render_process
from tasks.reports.documents import OUTPUTS, build_report, build_report_order, check_outputs

ENGINEERING = {"department": "engineering", "month": "2026-05"}
LABELS = ["Date", "Invoice", "Vendor", "Category", "Description", "EUR"]
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "<b>&", "plain = text", ""]


def make_files(
    report_type: str, filters: dict[str, Any], *outputs: Output, **more: Any
) -> dict[str, bytes]:
    with links.open_workshop() as folder:
        return contents(build_report_order(report_type, filters, outputs, folder, **more))


def contents(order: RenderOrder) -> dict[str, bytes]:
    files = run_render_process(order).files
    return {output: Path(order.folder, file).read_bytes() for output, file in files.items()}


@pytest.fixture(scope="module")
def all_formats() -> dict[str, bytes]:
    return make_files("monthly", ENGINEERING, *OUTPUTS)


def lines_of(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode(), newline="")))


def test_every_format_has_the_same_rows(all_formats: dict[str, bytes], tmp_path: Path) -> None:
    import duckdb

    head, *lines = lines_of(all_formats["csv"])
    assert head == LABELS

    (tmp_path / "a.parquet").write_bytes(all_formats["parquet"])
    parquet = duckdb.read_parquet(str(tmp_path / "a.parquet"))
    assert parquet.columns == LABELS
    assert [[str(cell) for cell in line] for line in parquet.fetchall()] == lines

    rows = json.loads(all_formats["json"])
    assert [list(row) for row in rows] == [LABELS] * len(lines)
    assert [row["Invoice"] for row in rows] == [line[1] for line in lines]
    assert sheet(all_formats["xlsx"]).count("<row ") == len(lines) + 1
    assert all_formats["html"].count(b"<tr>") == len(lines) + 2

    pdf = "".join(
        page.extract_text() for page in pypdf.PdfReader(io.BytesIO(all_formats["pdf"])).pages
    )
    assert pdf.count("INV-") == len(lines)


def sheet(workbook: bytes, number: int = 1) -> str:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        assert archive.testzip() is None
        return archive.read(f"xl/worksheets/sheet{number}.xml").decode()


def test_a_spreadsheet_has_typed_numbers_and_dates(all_formats: dict[str, bytes]) -> None:
    first = re.findall(r"<row r=\"2\".*?</row>", sheet(all_formats["xlsx"]))[0]

    assert re.search(r'<c r="A2" s="\d+"><v>46143.0</v>', first)  # 2026-05-01
    assert re.search(r'<c r="F2" s="\d+"><v>[\d.]+</v>', first)
    assert '<c r="B2" t="inlineStr"' in first


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_same_order_gives_the_same_bytes(all_formats: dict[str, bytes], output: Output) -> None:
    time.sleep(max(1.0 - time.time() % 1, 0) + 0.01)  # another second, were one written down
    again = make_files("monthly", ENGINEERING, output)[output]
    assert hashlib.sha256(again).hexdigest() == hashlib.sha256(all_formats[output]).hexdigest()


@pytest.fixture
def hostile(tmp_path: Path) -> RenderOrder:
    """An order whose data would like to be run."""
    order = build_report_order("monthly", {}, ["csv", "xlsx", "html", "json"], tmp_path)
    texts = ", ".join(f"({number}, '{text}')" for number, text in enumerate(HOSTILE))
    sql = (
        "select * replace (text as vendor), 1 as spent_before, $month, $department "  # noqa: S608
        f"from (from spend order by invoice limit {len(HOSTILE)}) positional join "
        f"(from (values {texts}) t(number, text) order by number)"
    )
    return msgspec.structs.replace(order, sql=sql)


def test_no_text_becomes_a_formula(hostile: RenderOrder) -> None:
    files = contents(hostile)
    vendors = [line[3] for line in lines_of(files["csv"])[1:]]
    escaped = [f"'{text}" for text in HOSTILE[:7]]
    assert set(vendors) == {*escaped, "<b>&", "plain = text", ""}

    workbook = sheet(files["xlsx"])
    assert "<f>" not in workbook
    assert "<t>=1+1</t>" in workbook
    assert "&lt;b&gt;&amp;" in files["html"].decode()
    assert "<b>&" not in files["html"].decode()
    assert {row["Vendor"] for row in json.loads(files["json"])} == set(HOSTILE)


def test_several_formats_give_a_reproducible_zip() -> None:
    steps: list[RenderProgress] = []
    one = build_report("shop", {}, ["csv", "pdf", "json"], on_progress=steps.append)
    other = build_report("shop", {}, ["csv", "pdf", "json"])
    assert one["sha256"] == other["sha256"]
    assert (one["filename"], one["content_type"]) == ("shop-report.zip", "application/zip")
    assert (one["rows_processed"], one["rows"]) == (1_075, 10)
    assert steps[-1] == RenderProgress(10, 10, "written")

    place = links.locate(links.resolve_link(one["download_url"].rpartition("/")[2]))
    assert isinstance(place, Path)
    assert place.stat().st_size == one["size"]

    with zipfile.ZipFile(place) as archive:
        names = archive.namelist()
        pdf = pypdf.PdfReader(io.BytesIO(archive.read("shop-report.pdf")))
    assert names == [f"shop-report.{output}" for output in ("csv", "pdf", "json")]
    assert len(pdf.pages) == one["pages"]


def test_a_pdf_with_a_cut_table_attaches_the_whole_table() -> None:
    pdf = pypdf.PdfReader(io.BytesIO(make_files("monthly", {"month": "2026-05"}, "pdf")["pdf"]))
    text = " ".join("".join(page.extract_text() for page in pdf.pages).split())
    assert "The first 500 of 2,413 lines are shown" in text
    assert "attached to this document as monthly-report-lines.csv" in text.replace("- ", "-")

    ((name, files),) = pdf.attachments.items()
    assert name == "monthly-report-lines.csv"
    assert len(lines_of(files[0])) == 2_414


def test_a_pdf_with_all_rows_has_no_attachment() -> None:
    assert not pypdf.PdfReader(io.BytesIO(make_files("delays", {}, "pdf")["pdf"])).attachments


def test_an_archive_pdf_declares_pdf_a() -> None:
    archival = make_files("monthly", {"month": "2026-05"}, "pdf", archival=True)["pdf"]

    assert b"<pdfaid:part>3</pdfaid:part>" in archival
    assert b"<pdfaid:conformance>A</pdfaid:conformance>" in archival
    assert archival == make_files("monthly", {"month": "2026-05"}, "pdf", archival=True)["pdf"]
    assert b"pdfaid" not in make_files("shop", {}, "pdf")["pdf"]


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_empty_result_still_gives_a_file(output: Output) -> None:
    content = make_files("monthly", {"month": "2031-01"}, output)[output]
    if output == "csv":
        assert lines_of(content)[0][:2] == ["Date", "Invoice"]
    elif output == "xlsx":
        assert "<t>Invoice</t>" in sheet(content)
    elif output == "json":
        assert json.loads(content) == []
    else:
        assert content


def test_an_html_page_loads_nothing_from_elsewhere(all_formats: dict[str, bytes]) -> None:
    html = all_formats["html"].decode()
    assert "default-src 'none'" in html
    assert not re.search(r"<script|src=|href=|url\(", html)


@pytest.mark.parametrize("outputs", [[], ["pdf", "pdf"], ["docx"], ["pdf", ""]])
def test_invalid_formats_are_refused(outputs: list[str]) -> None:
    with pytest.raises(InvalidField, match="format: must be one or several of pdf, xlsx"):
        check_outputs(outputs)


def test_a_report_type_can_have_its_own_layout(tmp_path: Path) -> None:
    order = build_report_order("shop", {}, ["pdf"], tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    (home / "report.typ").write_text('#import "house.typ": *\n#show: sheet\nOurs: #page-data.title')
    (home / "data").symlink_to(Path(order.home) / "data")

    pdf = contents(msgspec.structs.replace(order, home=str(home)))["pdf"]

    assert "Ours: Shop orders" in pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text()


@pytest.mark.parametrize(
    "code", ['#read("/etc/passwd")', '#read("../spill")', '#import "@preview/cetz:0.3.0"', "#let"]
)
def test_a_layout_can_read_only_its_own_files(tmp_path: Path, code: str) -> None:
    from project.errors import PermanentError

    order = build_report_order("shop", {}, ["pdf"], tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    (home / "report.typ").write_text(code)
    (home / "data").symlink_to(Path(order.home) / "data")

    with pytest.raises(PermanentError, match="TypstError"):
        run_render_process(msgspec.structs.replace(order, home=str(home)))


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet", "json"])
def test_source_files_are_read_in_every_format(tmp_path: Path, ending: str) -> None:
    import duckdb

    order = build_report_order("shop", {}, ["csv"], tmp_path)
    home = tmp_path / "home" / "data"
    home.mkdir(parents=True)
    orders = duckdb.read_csv(f"{order.home}/data/*.csv")
    for number in range(2):
        part = f"copy (from o where quantity % 2 = {number}) to '{home}/{number}.{ending}'"
        orders.query("o", part)
    origin = msgspec.structs.replace(order.origin, files={"orders": f"data/*.{ending}"})
    here = msgspec.structs.replace(order, home=str(home.parent), origin=origin)

    assert run_render_process(here).rows == 1_075


def test_missing_files_are_named(tmp_path: Path) -> None:
    from project.errors import PermanentError

    order = build_report_order("shop", {}, ["csv"], tmp_path)

    with pytest.raises(PermanentError, match=r"files\.orders: no file matches the pattern"):
        run_render_process(msgspec.structs.replace(order, home=str(tmp_path)))

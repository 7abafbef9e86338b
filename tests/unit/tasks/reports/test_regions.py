"""Reports by the locale, the currency and the zone of their order."""

import io
from pathlib import Path

import msgspec
import openpyxl
import pypdf
import pytest

from project.errors import PermanentError
from project.settings.groups import forget_settings
from tasks.rendering.process import run_render_process
from tasks.reports.documents import build_report_order

SQL = """
    select timestamptz '2026-05-01 23:30:00+00' as ordered, 'A' as product, 'B' as country,
        'Store' as channel, 1 as quantity, 2.5 as price, 1234567.5 as paid
    where $year is null and $country is null and $channel is null
"""
GERMAN = {"locale": "de-DE", "currency": "EUR", "zone": "Europe/Berlin"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of one row that crosses midnight, for readers in Germany."""
    folder = tmp_path_factory.mktemp("german")
    order = build_report_order("shop", {}, ["pdf", "html", "xlsx", "json"], folder, region=GERMAN)
    run_render_process(msgspec.structs.replace(order, sql=SQL))
    return folder


def test_a_pdf_has_numbers_money_and_dates_of_the_locale(folder: Path) -> None:
    pdf = pypdf.PdfReader(io.BytesIO((folder / "shop-report.pdf").read_bytes()))
    text = "".join(page.extract_text() for page in pdf.pages).replace("\u200b", "")

    assert "1.234.567,50\xa0€" in text
    assert "02.05.2026" in text
    assert "1.234.568" in text


def test_a_page_has_the_same_texts(folder: Path) -> None:
    html = (folder / "shop-report.html").read_text()

    assert "1.234.567,50\xa0€" in html
    assert "02.05.2026, 01:30" in html


def test_a_spreadsheet_has_numbers_with_the_currency(folder: Path) -> None:
    sheet = openpyxl.load_workbook(folder / "shop-report.xlsx").active
    assert sheet
    cell = sheet.cell(2, 5)

    assert (cell.value, cell.number_format) == (1234567.5, '#,##0.00 "EUR"')


def test_data_files_keep_their_values(folder: Path) -> None:
    assert '"Sold (EUR)":1234567.5' in (folder / "shop-report.json").read_text()


@pytest.mark.parametrize(
    ("region", "problem"),
    [
        ({"locale": "xx"}, "locale: must be the name of a locale, such as"),
        ({"currency": "??"}, "currency: must be the code of a currency, such as"),
        ({"zone": "Mars"}, "zone: must be a time zone, such as"),
        ({"language": "de"}, "region: .*language"),
        ({"locale": 5}, "region: Expected `str`"),
    ],
)
def test_an_unknown_region_fails_the_report(
    tmp_path: Path, region: dict[str, str], problem: str
) -> None:
    with pytest.raises(PermanentError, match=problem):
        build_report_order("shop", {}, ["pdf"], tmp_path, region=region)


def test_the_settings_have_the_defaults_of_an_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTINUO_LOCALE", "fr")
    monkeypatch.setenv("CONTINUO_CURRENCY", "CHF")
    forget_settings()
    try:
        region = build_report_order("shop", {}, ["pdf"], tmp_path, region={"locale": "de"}).region
    finally:
        monkeypatch.undo()
        forget_settings()

    assert (region.locale, region.currency, region.zone) == ("de", "CHF", "")

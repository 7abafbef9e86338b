"""Brand, cover and date of reports, as readers see them."""

import io
from datetime import date
from pathlib import Path

import msgspec
import openpyxl
import pypdf
import pytest

from tasks.rendering.brands import Brand
from tasks.rendering.definitions.schema import RenderOrder
from tasks.rendering.process import run_render_process
from tasks.reports.documents import build_report_order
from tests.support.browsers.playwright_browser import find_barriers, launch_browser

BRAND = Brand(name="Acme", color="#a3123f", dark="#4a0a22", footer="Acme, Hafenstr. 12, Hamburg")
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>'
)
MADE_ON = date(2026, 5, 4)


def order_report(folder: Path, report_type: str = "shop", **changes: object) -> RenderOrder:
    order = build_report_order(report_type, {}, ["pdf", "html", "xlsx"], folder)
    return msgspec.structs.replace(order, **{"brand": BRAND, "made_on": MADE_ON, **changes})


def read_pages(folder: Path, order: RenderOrder) -> list[str]:
    pdf = (folder / run_render_process(order).files["pdf"]).read_bytes()
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a brand that has a logo."""
    folder = tmp_path_factory.mktemp("brand")
    (folder / "logo.svg").write_text(LOGO)
    brand = msgspec.structs.replace(BRAND, logo=str(folder / "logo.svg"))
    run_render_process(order_report(folder, brand=brand))
    return folder


def test_a_pdf_has_name_footer_and_date(tmp_path: Path) -> None:
    first, *_ = read_pages(tmp_path, order_report(tmp_path))

    assert "ACME" in first
    assert "Acme, Hafenstr. 12, Hamburg" in first
    assert "Acme · Made from 1,075 rows on 2026-05-04" in first
    assert "Continuo" not in first


def test_a_page_has_the_logo_the_colours_and_the_date(folder: Path) -> None:
    html = (folder / "shop-report.html").read_text()

    assert 'src="data:image/svg+xml;base64,' in html
    assert "--brand: #a3123f" in html
    assert "Acme, Hafenstr. 12, Hamburg" in html
    assert "rows on 2026-05-04" in html
    assert str(folder) not in html


def test_a_spreadsheet_has_a_header_in_the_dark_colour(folder: Path) -> None:
    sheet = openpyxl.load_workbook(folder / "shop-report.xlsx").active
    assert sheet

    assert sheet.cell(1, 1).fill.fgColor.rgb == "FF4A0A22"


@pytest.mark.parametrize(
    ("report_type", "cover", "is_covered"),
    [
        ("shop", None, False),
        ("shop", True, True),
        ("monthly", None, True),
        ("monthly", False, False),
    ],
)
def test_a_report_has_a_cover_from_three_pages_on_or_when_its_type_says_so(
    tmp_path: Path, report_type: str, cover: bool | None, is_covered: bool
) -> None:
    order = order_report(tmp_path, report_type)
    definition = msgspec.structs.replace(order.definition, cover=cover)
    chart = definition.charts[0].title

    pages = read_pages(tmp_path, msgspec.structs.replace(order, definition=definition))

    assert (chart not in pages[0]) == is_covered
    assert (len(pages) > 3) == (report_type == "monthly")


def test_a_table_that_looks_short_and_is_long_gets_its_cover(tmp_path: Path) -> None:
    order = order_report(tmp_path, "monthly")
    tall = "select *, 1 as spent_before, $month, $department from spend limit 50"
    lines = tall.replace("*,", "* replace (repeat(description || ' ', 12) as description),")

    pages = read_pages(tmp_path, msgspec.structs.replace(order, sql=lines))

    assert len(pages) > 3
    assert "Spend by category" not in pages[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1100])
def test_a_page_fits_its_window_and_has_no_barriers(folder: Path, scheme: str, width: int) -> None:
    with launch_browser() as browser:
        window = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
        page = window.new_page()
        page.goto((folder / "shop-report.html").as_uri())
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")

        assert overflow <= 0
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
        assert find_barriers(page) == []

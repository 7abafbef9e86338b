"""How much the overview loads, and how soon something is to be seen."""

from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import visit_page
from tests.support.programs.system import System
from tests.support.waiting import PATIENCE

MAX_BYTES = 150_000
MAX_PAINT_MILLISECONDS = 300.0 * PATIENCE
VISITS = 3
"""The quickest counts: other tests use the machine, too."""

SIZES = """() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
  .map(({ name, encodedBodySize }) => [new URL(name).pathname, encodedBodySize])"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def show_overview(page: Page) -> None:
    expect(page.get_by_role("heading", name="Newest jobs")).to_be_visible()
    page.wait_for_function(PAINT)


def test_the_overview_is_painted_within_300_ms_and_loads_at_most_150_kb(
    chromium: Browser, system: System
) -> None:
    paints = []
    for _ in range(VISITS):
        with visit_page(chromium, str(system.http.base_url)) as page:
            show_overview(page)
            sizes = page.evaluate(SIZES)
            paints.append(page.evaluate(PAINT))

    assert min(paints) <= MAX_PAINT_MILLISECONDS
    assert sum(size for _, size in sizes) <= MAX_BYTES, sizes


def test_the_console_has_a_font_of_its_own(chromium: Browser, system: System) -> None:
    with visit_page(chromium, str(system.http.base_url)) as page:
        show_overview(page)

        loaded = page.evaluate(
            "() => [...document.fonts].filter((one) => one.status === 'loaded')"
            ".map((one) => `${one.family} ${one.weight}`)"
        )
        family = page.get_by_role("heading", level=1).evaluate(
            "(title) => getComputedStyle(title).fontFamily"
        )

    assert sorted(loaded) == ["Inter 400", "Inter 600"]
    assert family.startswith("Inter")
    answer = system.http.get("/console/static/fonts/inter-4-regular.woff2")
    assert answer.headers["content-type"] == "font/woff2"
    assert "immutable" in answer.headers["cache-control"]
    assert system.http.get("/console/static/fonts/OFL.txt").status_code == 404

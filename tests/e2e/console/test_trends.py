"""The charts of the overview in a browser, from the last hour to 90 days."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.system import System
from tests.support.waiting import wait_until

ARCHIVE_TIMEOUT_SECONDS = 40.0
JOBS = 3


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with a history that has some reports."""
    system = System(tmp_path_factory.mktemp("trends"))
    system.start(CONTINUO_HISTORY="1")
    for _ in range(JOBS):
        system.order("/reports", {})
    wait_until(
        lambda: len(system.http.get("/history").json()["jobs"]) == JOBS, ARCHIVE_TIMEOUT_SECONDS
    )
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, archive: System) -> Iterator[Page]:
    """The console, just opened."""
    with visit_page(chromium, str(archive.http.base_url)) as page:
        yield page


@pytest.mark.parametrize("words", ["the last 24 hours", "the last 90 days"])
def test_the_charts_reach_back_with_percentiles_for_each_kind(page: Page, words: str) -> None:
    expect(page.get_by_role("img", name=re.compile("by minute"))).to_have_count(2)

    page.get_by_role("link", name=words).click()

    expect(page.get_by_role("heading", name=f"Kinds in {words}")).to_be_visible()
    row = page.get_by_role("table", name="Ended jobs by kind").locator("tbody tr")
    expect(row.locator("td").nth(0)).to_have_text("report")
    expect(row.locator("td").nth(1)).to_have_text(str(JOBS))
    expect(row.locator("td").nth(2)).to_have_text("0 (0.0 %)")
    expect(row.locator("td").last).to_have_text(re.compile(r"\d m?s"))
    expect(page.get_by_role("img", name=f"Jobs that ended, by {unit(words)}")).to_be_visible()
    assert find_barriers(page) == []


def unit(words: str) -> str:
    return "hour" if "hours" in words else "day"


def test_without_a_history_the_page_says_what_longer_charts_need(
    chromium: Browser, system: System
) -> None:
    with visit_page(chromium, str(system.http.base_url)) as page:
        page.get_by_role("link", name="the last 7 days").click()

        expect(page.get_by_text("set CONTINUO_HISTORY=1")).to_be_visible()


def open_day(page: Page) -> Locator:
    """Open the charts of the last day; returns the times of the first."""
    page.goto("/?range=day")
    return page.get_by_role("slider", name="Time of Jobs that ended, by hour")


def test_dragging_over_a_chart_shows_that_time_by_minute(page: Page) -> None:
    times = open_day(page)
    box = times.bounding_box()
    assert box

    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 40, steps=3)
    page.mouse.up()

    expect(page).to_have_url(re.compile(r"from=\d{10}&to=\d{10}$"))
    chart = page.get_by_role("img", name=re.compile("Jobs that ended, by minute: 3 "))
    expect(chart).to_be_visible()
    expect(page.get_by_role("table", name="Ended jobs by kind")).to_contain_text("report")
    page.locator(".chips [aria-current]").first.click()
    expect(page.get_by_role("link", name="the last 24 hours")).to_have_attribute(
        "aria-current", "true"
    )


def test_the_keyboard_chooses_a_time_and_hears_what_happened(page: Page) -> None:
    times = open_day(page)

    times.focus()
    expect(times).to_have_attribute("aria-valuetext", re.compile(r"\d\d:00: success 3"))
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    assert find_barriers(page) == []
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"from=\d{10}&to=\d{10}$"))
    start, end = map(int, re.findall(r"\d{10}", page.url))
    assert end - start == 3 * 3600


def test_the_charts_are_of_one_queue_lane_or_tenant(page: Page) -> None:
    page.goto("/?range=week")
    page.get_by_role("link", name="by queue").click()
    page.get_by_role("table", name="Ended jobs by queue").get_by_role("link", name="celery").click()

    expect(page).to_have_url(re.compile("range=week&by=queue&queue=celery"))
    expect(
        page.get_by_role("img", name=re.compile(f"Jobs that ended, by hour: {JOBS} "))
    ).to_be_visible()
    page.goto("/?lane=nobody")
    expect(
        page.get_by_role("img", name=re.compile("Jobs that ended, by minute: 0 "))
    ).to_be_visible()
    page.get_by_role("link", name="lane nobody").click()
    expect(page.get_by_role("table", name="Ended jobs by kind")).to_be_visible()

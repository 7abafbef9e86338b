"""The console of a system in which nothing has happened, and its header."""

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.system import System

MAX_HEADER_PIXELS = 60


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system without jobs."""
    system = System(tmp_path_factory.mktemp("empty"))
    system.start()
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, empty: System) -> Iterator[Page]:
    """The console, just opened."""
    with visit_page(chromium, str(empty.http.base_url)) as page:
        yield page


def test_the_first_job_is_ordered_by_a_button_or_by_the_shown_line(
    page: Page, empty: System
) -> None:
    first = page.get_by_role("region", name="The first job")
    line = first.get_by_role("region", name="The same order with curl").inner_text()
    assert find_barriers(page) == []

    first.get_by_role("button", name="Order a report").click()

    expect(page.locator(".head .badge")).to_have_text("success")
    subprocess.run(line, shell=True, check=True, capture_output=True, timeout=30)  # noqa: S602
    assert empty.http.get("/queue/stats").json()["total_tasks"] == 2
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Newest jobs")).to_be_visible()
    expect(first).not_to_be_visible()


def test_the_header_is_one_line(page: Page) -> None:
    expect(page.locator("#connection")).to_have_text("Live")
    box = page.locator("header").bounding_box()

    assert box
    assert box["height"] < MAX_HEADER_PIXELS


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_the_menu_opens_and_closes_with_the_keyboard(
    chromium: Browser, empty: System, size: str
) -> None:
    with visit_page(chromium, str(empty.http.base_url), size=size) as page:
        page.get_by_text("More", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Limits")).to_be_visible()
        assert find_barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        page.keyboard.press("Escape")

        expect(page.get_by_role("link", name="Limits")).not_to_be_visible()


def test_a_page_whose_script_did_not_arrive_is_opened_a_moment_later(page: Page) -> None:
    page.route("**/views/operations/schedules.js*", lambda route: route.abort())
    page.get_by_role("link", name="Schedules").click()
    expect(page.get_by_role("heading", name="The API is not available")).to_be_visible()

    page.unroute("**/views/operations/schedules.js*")

    expect(page.get_by_role("heading", name="Schedules")).to_be_visible()

"""Times in the console: relative, exact on hover, in the zone of the viewer or in UTC."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import visit_page
from tests.support.programs.system import System

KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.fixture
def page(chromium: Browser, system: System) -> Iterator[Page]:
    """The console of somebody in India."""
    with visit_page(chromium, str(system.http.base_url), zone=KOLKATA.key) as page:
        yield page


def write_exactly(at: float, zone: tzinfo, name: str) -> str:
    return f"{datetime.fromtimestamp(at, zone):%Y-%m-%d %H:%M:%S} {name}"


def test_times_are_exact_on_hover_in_the_zone_of_the_viewer_or_in_utc(
    page: Page, system: System
) -> None:
    ordered = system.order("/reports", {"tags": ["zoned"]})
    page.goto("/console/jobs?tag=zoned")
    time = page.locator("tbody time").first
    expect(time).to_have_text(re.compile("ago|now"))
    expect(time).to_have_attribute(
        "title", write_exactly(ordered["created_at"], KOLKATA, "GMT+5:30")
    )

    page.get_by_role("button", name="Times: Local, Asia/").click()

    in_utc = write_exactly(ordered["created_at"], UTC, "UTC")
    expect(time).to_have_attribute("title", in_utc)
    page.reload()
    expect(time).to_have_attribute("title", in_utc)


def test_a_filter_by_time_means_the_zone_that_is_shown_and_is_absolute_in_the_address(
    page: Page,
) -> None:
    page.goto("/console/jobs")
    page.get_by_label("Ordered after").fill("2026-05-01T12:00")
    page.get_by_role("button", name="Show").click()
    noon_in_india = int(datetime(2026, 5, 1, 12, tzinfo=KOLKATA).timestamp())
    expect(page).to_have_url(re.compile(f"created_after={noon_in_india}"))

    page.get_by_role("button", name="Times: Local").click()

    expect(page.get_by_label("Ordered after", exact=True)).to_have_value("2026-05-01T06:30")
    expect(page).to_have_url(re.compile(f"created_after={noon_in_india}"))

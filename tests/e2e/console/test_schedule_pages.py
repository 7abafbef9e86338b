"""The pages of schedules in a browser, on a running system."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.system import System

SUMMARY = {"order": {"kind": "report", "type": "summary"}, "cron": "30 3 * * *"}


@pytest.fixture
def page(chromium: Browser, system: System) -> Iterator[Page]:
    """The page of schedules, just opened."""
    for name in ("nightly", "typed"):
        system.http.delete(f"/schedules/{name}")
    with visit_page(chromium, str(system.http.base_url)) as page:
        page.get_by_role("link", name="Schedules", exact=True).click()
        yield page


def test_an_expression_is_said_in_words_while_it_is_typed_and_then_written(page: Page) -> None:
    page.get_by_text("New schedule").click()
    page.get_by_label("Cron expression").fill("0 7 1 * *")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    expect(page.get_by_text("At 07:00 on the first day of every month")).to_be_visible()
    expect(page.get_by_role("table", name="Next times").locator("tbody tr")).to_have_count(10)

    page.get_by_label("Cron expression").fill("0 25 * * *")
    expect(page.get_by_text("hour '25' does not work")).to_be_visible()

    page.get_by_label("Cron expression").fill("0 7 1 * *")
    page.get_by_label("Name").fill("typed")
    page.get_by_role("button", name="Write").click()

    row = page.get_by_role("row", name="typed")
    expect(row).to_contain_text("At 07:00 on the first day of every month (Europe/Berlin)")
    expect(row).to_contain_text("active")


def test_a_schedule_is_run_and_paused_on_its_page(page: Page, system: System) -> None:
    system.http.put("/schedules/nightly", json=SUMMARY)
    page.get_by_role("link", name="nightly").click()

    page.get_by_role("button", name="Run now").click()
    history = page.get_by_role("table", name="History")
    expect(history).to_contain_text("run")
    expect(history.get_by_role("link", name="success")).to_be_visible(timeout=20_000)

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused: by hand")).to_be_visible()
    assert system.http.get("/schedules/nightly").json()["paused"] == "by hand"


def test_the_coming_day_shows_where_jobs_pile_up(page: Page, system: System) -> None:
    system.http.put("/schedules/nightly", json=SUMMARY | {"cron": "*/10 * * * *"})
    page.reload()

    day = page.get_by_role("table", name="The coming day, hour by hour")

    expect(day.locator("tbody tr").nth(3)).to_contain_text("6")
    expect(day).to_contain_text("nightly")


def test_jobs_that_wait_for_their_time_are_listed_in_the_order_of_it(
    page: Page, system: System
) -> None:
    ids = [system.order("/reports", {"delay": delay})["id"] for delay in (7200, 900, 3600)]
    page.reload()

    rows = page.get_by_role("table", name="Jobs that wait for their time").locator("tbody tr")

    expect(rows.filter(has_text=ids[0])).to_be_visible()
    places = [rows.locator(".id").all_inner_texts().index(job_id) for job_id in ids]
    assert places[1] < places[2] < places[0]


def test_everybody_can_use_the_pages(page: Page, system: System) -> None:
    system.http.put("/schedules/nightly", json=SUMMARY)
    page.get_by_text("New schedule").click()
    expect(page.get_by_role("table", name="Next times")).to_be_visible()
    assert find_barriers(page) == []

    page.get_by_role("link", name="nightly").click()
    expect(page.get_by_role("table", name="Next times")).to_be_visible()
    assert find_barriers(page) == []

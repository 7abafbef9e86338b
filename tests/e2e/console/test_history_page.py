"""The page of the history in a browser, on a running system."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.system import System
from tests.support.waiting import wait_until

ARCHIVE_TIMEOUT_SECONDS = 40.0


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with a history that has one cancelled report."""
    system = System(tmp_path_factory.mktemp("history-page"))
    system.start(CONTINUO_HISTORY="1")
    job = system.order("/reports", {"delay": 3600, "type": "summary", "tags": ["old"]})
    assert system.http.post(f"/tasks/{job['id']}/cancel").status_code == 200
    wait_until(lambda: system.http.get("/history").json()["jobs"], ARCHIVE_TIMEOUT_SECONDS)
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, archive: System) -> Iterator[Page]:
    """A list of jobs in which nothing was found."""
    with visit_page(chromium, str(archive.http.base_url)) as page:
        page.goto(f"{archive.http.base_url}/console/jobs?tag=gone")
        yield page


def test_a_list_without_jobs_leads_to_the_history_where_a_value_finds_one(page: Page) -> None:
    page.get_by_role("link", name="look in the history").click()
    expect(page.get_by_text("No ended job is like that.")).to_be_visible()
    page.get_by_label("Tag").fill("")

    page.get_by_label("Where").fill("payload.type")
    page.get_by_label("is", exact=True).fill("summary")
    page.get_by_role("button", name="Show").click()

    row = page.get_by_role("table", name="Ended jobs").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("cancelled")
    row.get_by_text("All of it").click()
    expect(row).to_contain_text('"type": "summary"')
    assert find_barriers(page) == []


def test_without_a_history_the_page_says_how_to_turn_it_on(
    chromium: Browser, system: System
) -> None:
    with visit_page(chromium, str(system.http.base_url)) as page:
        page.goto(f"{system.http.base_url}/console/history")

        expect(page.get_by_role("alert")).to_contain_text("CONTINUO_HISTORY=1")

"""The search box in a browser: jobs by what is in them, and the palette of places to go."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.system import System
from tests.support.waiting import wait_until

ARCHIVE_TIMEOUT_SECONDS = 40.0
SCRIPT = "**/views/operations/schedules.js"
"""The script of the page of a schedule, fetched when it is first opened."""

ORDER = {"type": "shop", "delay": 3600, "tags": ["customer-4711"]}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with a history that has one cancelled report, and a schedule."""
    system = System(tmp_path_factory.mktemp("search"))
    system.start(CONTINUO_HISTORY="1")
    job = system.order("/reports", ORDER)
    assert system.http.post(f"/tasks/{job['id']}/cancel").status_code == 200
    plan = {"order": {"kind": "report"}, "cron": "0 3 * * *"}
    assert system.http.put("/schedules/by-night", json=plan).status_code in (200, 201)
    wait_until(lambda: system.http.get("/history").json()["jobs"], ARCHIVE_TIMEOUT_SECONDS)
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, archive: System) -> Iterator[Page]:
    """The console, just opened."""
    with visit_page(chromium, str(archive.http.base_url)) as page:
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        yield page


def test_who_types_in_the_box_while_a_page_loads_stays_there(page: Page) -> None:
    page.route(SCRIPT, lambda _: None)
    box = page.get_by_role("combobox")
    box.fill("night")
    expect(page.get_by_role("option").first).to_contain_text("by-night")
    page.keyboard.press("ArrowDown")
    with page.expect_request(SCRIPT):
        page.keyboard.press("Enter")
    page.keyboard.press("Control+k")
    page.keyboard.type("repo")

    page.unroute(SCRIPT)  # lets it go on
    expect(page.get_by_role("heading", level=1)).to_contain_text("by-night")
    page.keyboard.type("r")

    expect(box).to_be_focused()
    expect(box).to_have_value("repor")
    expect(page.get_by_role("option").filter(has_text="kind")).to_have_count(1)


@pytest.mark.parametrize("part", ["tag", "payload", "id"])
def test_a_job_is_found_by_a_part_of_it_live_and_archived(
    page: Page, archive: System, part: str
) -> None:
    (job,) = archive.http.get("/tasks?tag=customer-4711").json()["tasks"]
    text = {"tag": "mer-47", "payload": '"shop"', "id": job["id"][5:20]}[part]

    page.get_by_role("combobox").fill(text)
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/console/search\?text="))
    for name in ("Jobs", "Ended jobs"):
        row = page.get_by_role("table", name=name, exact=True).locator("tbody tr")
        expect(row).to_contain_text(job["id"])
    expect(page.get_by_text(re.compile("1 found in [0-9]+ records looked at"))).to_be_visible()
    assert find_barriers(page) == []


def test_the_palette_goes_to_pages_kinds_and_schedules(page: Page) -> None:
    page.keyboard.press("Control+k")
    offers = page.get_by_role("option")
    expect(offers.first).to_be_visible()
    assert find_barriers(page) == []

    page.keyboard.type("night")
    expect(offers.first).to_contain_text("by-night")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/console/schedules/by-night"))
    expect(offers).to_have_count(0)

    page.keyboard.press("Control+k")
    page.keyboard.type("repor")
    expect(offers.filter(has_text="kind")).to_have_count(1)
    offers.filter(has_text="kind").click()
    expect(page).to_have_url(re.compile("/console/kinds/report"))

    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("worke")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Workers")

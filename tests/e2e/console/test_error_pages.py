"""The pages of the causes of failures in a browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System

PACKAGES = ROOT / "tests" / "support" / "packages"
HEADLINES = {
    "key": "KeyError: order <*>",
    "value": "ValueError: the amount <*> is too much",
    "shop": "OSError: the shop <*> does not answer",
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system in which six jobs failed because of three causes."""
    system = System(tmp_path_factory.mktemp("errors"))
    system.start(PYTHONPATH=str(PACKAGES), CONTINUO_TASKS="watched.jobs")
    for number, how in enumerate([*HEADLINES, *HEADLINES]):
        job = system.order("/breakdowns", {"how": how, "number": number})
        system.wait_until_final("/breakdowns", job["id"])
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, broken: System) -> Iterator[Page]:
    """The console, just opened."""
    with visit_page(chromium, str(broken.http.base_url)) as page:
        yield page


def open_cause(page: Page, headline: str, state: str = "open") -> None:
    page.goto(f"/console/errors?state={state}")
    page.get_by_role("link", name=headline, exact=True).click()
    expect(page.locator("[aria-busy]")).to_have_count(0)


def test_new_causes_come_first_on_the_overview(page: Page) -> None:
    needs = page.get_by_role("region", name="What needs a person now")
    expect(needs.get_by_role("listitem")).to_have_count(3)
    expect(needs).to_contain_text("new today: 2 jobs")

    needs.get_by_role("link", name=HEADLINES["key"]).click()

    expect(page).to_have_url(re.compile("/console/errors/[0-9a-f]{12}"))
    expect(page.locator(".head")).to_contain_text(HEADLINES["key"])


def test_the_causes_are_listed_with_their_last_day(page: Page) -> None:
    page.get_by_role("link", name="Errors").click()
    rows = page.get_by_role("table", name="Causes").locator("tbody tr")
    expect(rows).to_have_count(3)

    row = rows.filter(has_text=HEADLINES["shop"])

    expect(row).to_contain_text("break_down")
    expect(row.get_by_role("img", name="2 in the last 24 hours")).to_be_visible()
    assert find_barriers(page) == []


def test_failed_jobs_have_one_line_that_leads_to_those_like_them(page: Page) -> None:
    page.goto("/console/jobs?status=failed")
    cell = page.get_by_role("link", name=HEADLINES["value"]).first
    box = cell.bounding_box()
    assert box
    assert box["height"] < 30

    cell.click()

    expect(page).to_have_url(re.compile("cause=[0-9a-f]{12}"))
    expect(page.locator("tbody tr")).to_have_count(2)


def test_a_cause_has_an_example_with_the_lines_of_ones_own_code(page: Page) -> None:
    open_cause(page, HEADLINES["shop"])

    expect(page.get_by_role("region", name="The lines of your code")).to_contain_text("look_up")
    expect(page.get_by_role("img", name=re.compile("Failures by hour: 2"))).to_be_visible()
    assert find_barriers(page) == []


def test_a_cause_is_resolved_ignored_and_opened(page: Page) -> None:
    open_cause(page, HEADLINES["key"])

    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".head .badge")).to_have_text("resolved")
    page.get_by_role("button", name="Open again").click()
    expect(page.locator(".head .badge")).to_have_text("open")
    page.get_by_label("Ignore").select_option("a day")

    expect(page.locator(".head .badge")).to_have_text("ignored")
    expect(page.locator(".head")).to_contain_text("Ignored until")
    page.goto("/console/errors")
    expect(page.get_by_role("link", name=HEADLINES["value"], exact=True)).to_be_visible()
    expect(page.get_by_role("link", name=HEADLINES["key"], exact=True)).to_have_count(0)


def test_all_jobs_of_a_cause_are_run_again(page: Page, broken: System) -> None:
    open_cause(page, HEADLINES["value"])

    page.get_by_role("button", name="Retry all…").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry 2 jobs").click()

    expect(page.locator(".head .badge")).to_have_text("success")
    found = broken.http.get("/tasks?kind=break_down&limit=200").json()["tasks"]
    assert sum(task["attempts"] > 1 for task in found) == 2


def test_the_page_of_a_job_names_its_cause(page: Page, broken: System) -> None:
    (newest,) = broken.http.get("/tasks?status=failed&limit=1").json()["tasks"]
    page.goto(f"/console/jobs/{newest['id']}")

    page.get_by_role("link", name=re.compile("Error: ")).click()

    expect(page).to_have_url(re.compile(f"/console/errors/{newest['cause']}"))

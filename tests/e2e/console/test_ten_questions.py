"""An operator's ten questions, each answered from the overview with at most three clicks."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.browsers.playwright_browser import visit_page
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System
from tests.support.waiting import wait_until

PACKAGES = ROOT / "tests" / "support" / "packages"
KEY = "ops-key-of-the-questions"
ARCHIVE_TIMEOUT_SECONDS = 60.0
MAX_CLICKS = 3
NIGHTLY = {"order": {"kind": "talk", "words": "good night"}, "cron": "30 3 * * *"}


class Operator:
    """Somebody at the overview; what is typed into one field and sent counts as one click."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, what: Locator) -> None:
        what.click()
        self.clicks += 1

    def choose(self, what: Locator, option: str) -> None:
        what.select_option(option)
        self.clicks += 1

    def fill(self, what: Locator, text: str) -> None:
        what.fill(text)
        what.press("Enter")
        self.clicks += 1


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with a history, in which jobs failed, one ended with an order, and others wait."""
    system = System(tmp_path_factory.mktemp("questions"))
    system.http.headers["X-API-Key"] = KEY
    system.start(
        CONTINUO_API_KEYS=f"night-shift:{KEY}",
        CONTINUO_HISTORY="1",
        PYTHONPATH=str(PACKAGES),
        CONTINUO_TASKS="watched.jobs",
    )
    for how in ("key", "value"):
        job = system.order("/breakdowns", {"how": how, "number": 17})
        system.wait_until_final("/breakdowns", job["id"])
    job = system.order("/talks", {"words": "order 4711 of Ada"})
    system.wait_until_final("/talks", job["id"])
    wait_until(
        lambda: len(system.http.get("/history").json()["jobs"]) == 3, ARCHIVE_TIMEOUT_SECONDS
    )
    yield system
    system.close()


@pytest.fixture
def operator(chromium: Browser, shop: System) -> Iterator[Operator]:
    """Somebody who has signed in, and sees the overview."""
    with visit_page(chromium, str(shop.http.base_url)) as page:
        page.get_by_label("API key").fill(KEY)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Newest jobs")).to_be_visible()
        operator = Operator(page)
        yield operator
        assert operator.clicks <= MAX_CLICKS


def write_hour_ago() -> str:
    return f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M}"


def test_who_failed_and_why_since_the_deploy(operator: Operator) -> None:
    page = operator.page

    operator.click(page.get_by_role("link", name=re.compile("failed$")))
    operator.fill(page.get_by_label("Ordered after", exact=True), write_hour_ago())
    operator.choose(page.get_by_label("Order", exact=True), "failures by cause")

    rows = page.get_by_role("table", name="Failures by cause").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="ValueError: the amount <*> is too much")).to_contain_text("1")
    expect(rows.filter(has_text="KeyError")).to_contain_text("break_down")


def test_where_the_order_of_a_customer_from_last_month_is(operator: Operator, shop: System) -> None:
    page = operator.page
    (job,) = shop.http.get("/tasks?kind=talk").json()["tasks"]

    operator.fill(page.get_by_role("combobox"), "4711 of Ada")

    ended = page.get_by_role("table", name="Ended jobs")
    expect(ended).to_contain_text(job["id"])


def test_what_is_slow_since_noon(operator: Operator) -> None:
    page = operator.page

    operator.click(page.get_by_role("link", name="Jobs", exact=True))
    operator.fill(page.get_by_label("Ordered after", exact=True), write_hour_ago())
    operator.choose(page.get_by_label("Order", exact=True), "slowest first")

    expect(page.locator(".count")).to_contain_text("The slowest first, of all")


def test_what_a_job_printed(operator: Operator, shop: System) -> None:
    page = operator.page
    (job,) = shop.http.get("/tasks?kind=talk").json()["tasks"]

    operator.fill(page.get_by_role("combobox"), job["id"])

    expect(page.get_by_role("log")).to_contain_text("said order 4711 of Ada")


def test_only_the_jobs_with_one_cause_run_again(operator: Operator) -> None:
    page = operator.page
    needs = page.get_by_role("region", name="What needs a person now")

    operator.click(needs.get_by_role("link", name="ValueError: the amount"))
    operator.click(page.get_by_role("button", name="Retry all…"))
    operator.click(page.get_by_role("dialog").get_by_role("button", name="Retry 1 job"))

    expect(page.get_by_role("heading", level=1)).to_contain_text("Job")


def test_who_paused_a_queue(operator: Operator, shop: System) -> None:
    page = operator.page
    shop.http.post("/queues/celery/pause")
    try:
        operator.click(page.get_by_role("link", name="Queues", exact=True))

        row = page.get_by_role("row", name=re.compile("^celery"))
        expect(row).to_contain_text(re.compile("paused .*by night-shift"))
    finally:
        shop.http.post("/queues/celery/resume")


def test_what_will_run_tonight(operator: Operator, shop: System) -> None:
    page = operator.page
    shop.http.put("/schedules/nightly", json=NIGHTLY)
    later = shop.order("/talks", {"words": "later", "delay": 3_600})

    operator.click(page.get_by_role("link", name="Schedules", exact=True))

    expect(page.get_by_role("row", name=re.compile("^nightly"))).to_contain_text("talk")
    waiting = page.get_by_role("table", name="Jobs that wait for their time")
    expect(waiting).to_contain_text(later["id"][:8])
    shop.http.post(f"/tasks/{later['id']}/cancel")


def test_whether_anything_is_stuck(operator: Operator, shop: System) -> None:
    needs = operator.page.get_by_role("region", name="What needs a person now")
    shop.http.post("/queues/celery/pause")
    try:
        job = shop.order("/talks", {"words": "stuck"})

        operator.page.reload()

        expect(needs).to_contain_text("The queue celery is paused")
        expect(needs).to_contain_text("1 job waits until somebody resumes it")
    finally:
        shop.http.post("/queues/celery/resume")
    shop.wait_until_final("/talks", job["id"])


def test_how_long_a_backlog_takes(operator: Operator) -> None:
    page = operator.page

    operator.click(page.get_by_role("link", name="Queues", exact=True))

    expect(page.get_by_role("columnheader", name="Empty in")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^celery"))).to_be_visible()


def test_which_worker_eats_memory(operator: Operator) -> None:
    page = operator.page

    operator.click(page.get_by_role("link", name="Workers", exact=True))
    operator.click(page.get_by_role("link", name="most memory first"))

    row = page.get_by_role("table", name="Workers").locator("tbody tr").first
    expect(row.get_by_role("img", name=re.compile(r"At most \d+ MB"))).to_be_visible()

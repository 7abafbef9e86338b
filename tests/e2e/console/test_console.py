"""The console in a browser, on a running system."""

import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.system import System

KEYS = {
    "CONTINUO_API_KEYS": "ops:ops-key-of-the-test,eyes/read:eyes-key-of-the-test",
}
SLOW = {
    "recipients": [f"slow{number}@example.com" for number in range(200)],
    "template": "welcome",
    "rate": 1,
}
OUTAGE = re.compile(r"No answer since \d\d:\d\d:\d\d\. What is shown is from \d\d:\d\d:\d\d\.")
PATHS = (
    "/",
    "/console/jobs",
    "/console/errors",
    "/console/queues",
    "/console/schedules",
    "/console/limits",
    "/console/workers",
    "/console/recipients",
    "/console/order",
)


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that these tests may stop and start."""
    system = System(tmp_path_factory.mktemp("console"))
    system.start()
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, own_system: System) -> Iterator[Page]:
    """The console, just opened."""
    with visit_page(chromium, str(own_system.http.base_url)) as page:
        yield page


def order_report(page: Page) -> None:
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Report", exact=True).click()
    page.get_by_label("Report", exact=True).select_option("Monthly spend")
    page.get_by_label("Department").select_option("engineering")
    page.get_by_label("Month").fill("2026-05")
    page.get_by_role("button", name="Order").click()


def test_a_report_is_ordered_and_followed_to_its_pdf(page: Page) -> None:
    order_report(page)
    expect(page.locator(".head .badge")).to_have_text("success")

    with page.context.expect_page() as opened:
        link = page.get_by_role("link", name="Open ")
        path = link.get_attribute("href")
        link.click()
    assert opened.value
    answer = page.request.get(str(path))

    assert (answer.status, answer.body()[:5]) == (200, b"%PDF-")


def test_an_invalid_filter_is_reported_at_its_form_field(page: Page) -> None:
    page.goto("/console/order")
    page.get_by_label("Report", exact=True).select_option("Monthly spend")
    page.get_by_label("Month").fill("May")
    page.evaluate("document.querySelector('form.order').noValidate = true")  # the API refuses it

    page.get_by_role("button", name="Order").click()

    expect(page.get_by_role("alert")).to_contain_text("filters.month")
    expect(page.get_by_label("Month")).to_be_focused()


def test_a_failed_attempt_is_shown_and_the_next_one_succeeds(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    system = System(tmp_path_factory.mktemp("faults"))
    try:
        system.start(CONTINUO_FAULT_RATE="1")
        with visit_page(chromium, str(system.http.base_url)) as page:
            order_report(page)
            expect(page.locator(".head .badge")).to_have_text("retrying")
            expect(page.locator(".timeline").first).to_contain_text("Attempt 1 failed")

            system.stop()
            banner = page.get_by_role("alert")
            expect(banner).to_contain_text("The API cannot be reached", timeout=3_000)
            expect(banner).to_contain_text(OUTAGE)

            system.start()
            expect(page.locator("#outage")).to_be_empty()
            expect(page.locator(".head .badge")).to_have_text("success")
            expect(page.locator("#connection")).to_have_text("Live")
            expect(page.get_by_role("link", name="Open ")).to_be_visible()
            expect(page.locator(".timeline").first).to_contain_text("Attempt 1 failed")
    finally:
        system.close()


def test_a_banner_tells_that_redis_does_not_answer_until_it_does(
    page: Page, own_system: System
) -> None:
    banner = page.get_by_role("alert")
    expect(page.locator("#connection")).to_have_text("Live")
    valkey = own_system.valkey()
    os.kill(valkey, signal.SIGSTOP)
    try:
        expect(banner).to_contain_text("Redis does not answer")
        expect(banner).to_contain_text(OUTAGE)
        expect(page.locator("#connection")).to_have_text("No answer")
        assert find_barriers(page) == []
        banner.get_by_role("button", name="Try again").click()
        expect(banner.get_by_role("button", name="Try again")).to_be_enabled()
    finally:
        os.kill(valkey, signal.SIGCONT)

    expect(page.locator("#outage")).to_be_empty()
    expect(page.locator("#connection")).to_have_text("Live")


def test_a_running_job_shows_its_progress_and_is_cancelled(page: Page, own_system: System) -> None:
    blast = own_system.order("/emails", SLOW)
    page.goto(f"/console/jobs/{blast['id']}")
    expect(page.locator("progress")).to_be_visible()

    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".head .badge")).to_have_text("cancelled")

    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".head .badge")).to_have_text(re.compile("pending|running"))

    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".head .badge")).to_have_text("cancelled")


def test_two_pages_stay_in_step_while_the_api_is_killed(
    chromium: Browser, own_system: System
) -> None:
    url = str(own_system.http.base_url)
    with visit_page(chromium, url) as one, visit_page(chromium, url) as other:
        for page in (one, other):
            page.goto("/console/jobs?tag=in-step")
            expect(page.get_by_text("No job is like that.")).to_be_visible()
        own_system.restart_api()
        ordered = own_system.order("/reports", {"tags": ["in-step"]})
        for page in (one, other):
            row = page.get_by_role("row").filter(has_text=ordered["id"])
            expect(row.locator(".badge")).to_have_text("success")


def test_all_matching_jobs_are_cancelled_after_their_number_is_shown(
    page: Page, own_system: System
) -> None:
    own_system.http.post("/queues/celery/pause")
    try:
        for _ in range(3):
            own_system.order("/reports", {"tags": ["many"]})
        page.goto("/console/jobs?tag=many")
        page.get_by_role("button", name="Cancel all matching…").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading")).to_have_text("Cancel 3 jobs?")
        assert not find_barriers(page)

        dialog.get_by_role("button", name="No").click()
        expect(dialog).to_have_count(0)
        assert own_system.http.get("/tasks?tag=many&status=pending").json()["total"] == 3

        page.get_by_role("button", name="Cancel all matching…").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel 3 jobs").click()
        expect(page.locator(".head .badge")).to_have_text("success")

        page.goto("/console/jobs?tag=many&status=cancelled")
        expect(page.locator(".count")).to_have_text("3 jobs, newest first")
    finally:
        own_system.http.post("/queues/celery/resume")


def test_the_limits_and_what_they_hold_back_are_shown(page: Page, own_system: System) -> None:
    limit = {"tag": "held", "each": "lane", "concurrency": 0}
    own_system.http.put("/limits/nothing", json=limit)
    try:
        own_system.http.post("/reports", json={"tags": ["held"], "lane": "acme"})
        page.goto("/console/limits")
        row = page.get_by_role("row").filter(has_text="nothing")

        expect(row).to_contain_text("tag held, each lane")
        expect(row).to_contain_text("1 in 1 lanes")
        assert not find_barriers(page)
    finally:
        own_system.http.delete("/limits/nothing")
    expect(page.get_by_text("No limit yet.")).to_be_visible()


def test_the_switches_and_what_they_hold_back_are_shown(page: Page, own_system: System) -> None:
    field = {"path": "type", "prefix": "summ"}
    own_system.http.put("/switches/off", json={"kind": "report", "field": field})
    try:
        own_system.http.post("/reports", json={"type": "summary"})
        page.goto("/console/limits")
        row = page.get_by_role("row").filter(has_text="off")

        expect(row).to_contain_text("kind report, type begins with summ")
        expect(row.get_by_role("cell").nth(4)).to_have_text("1")
        assert not find_barriers(page)
    finally:
        own_system.http.delete("/switches/off")
    expect(page.get_by_text("No switch is set.")).to_be_visible()


def test_the_breakers_and_where_they_stand_are_shown(page: Page, own_system: System) -> None:
    own_system.http.put("/breakers/report", json={"share": 0.25, "of": 8})
    try:
        page.goto("/console/limits")
        row = page.get_by_role("row").filter(has_text="closed")

        expect(row).to_contain_text("25 % of 8 attempts in 60 s")
        expect(row).to_contain_text("0 of 0")
        assert not find_barriers(page)
    finally:
        own_system.http.delete("/breakers/report")
    expect(page.get_by_text("No kind has a breaker.")).to_be_visible()


def test_a_queue_is_paused_and_resumed(page: Page) -> None:
    page.get_by_role("link", name="Queues").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Queues")
    page.get_by_role("button", name="Pause celery").click()
    expect(page.get_by_role("row").filter(has_text="celery")).to_contain_text("paused")

    page.get_by_role("button", name="Resume celery").click()
    expect(page.get_by_role("row").filter(has_text="celery")).to_contain_text("open")


def test_a_worker_shows_its_memory_and_its_current_job(page: Page, own_system: System) -> None:
    blast = own_system.order("/emails", SLOW)
    page.get_by_role("link", name="Workers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Workers")
    row = page.get_by_role("row").filter(has_text="process")
    expect(row).to_contain_text("email_blast")
    expect(row).to_contain_text(re.compile(r"\d+ MB"))

    own_system.http.delete(f"/tasks/{blast['id']}")
    expect(row).not_to_contain_text("email_blast")


def test_jobs_can_be_found_with_the_keyboard(page: Page, own_system: System) -> None:
    ordered = own_system.order("/reports", {})
    expect(page.locator("#search-text")).to_be_visible()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    page.keyboard.press("/")
    expect(page.locator("#search-text")).to_be_focused()

    page.keyboard.type(ordered["id"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(ordered["id"])

    page.keyboard.press("/")
    page.locator("#search-text").fill("no such <b>error</b>")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/console/search\?text=no\+such"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs with no such <b>error</b>")


def test_filters_are_in_the_url_and_pages_follow_a_cursor(page: Page, own_system: System) -> None:
    orders = [{"kind": "report", "tags": ["paged"], "delay": 3600}] * 60
    assert own_system.http.post("/tasks/bulk", json={"tasks": orders}).status_code == 202

    page.goto("/console/jobs?tag=paged")
    page.get_by_label("Status").select_option("pending")
    expect(page).to_have_url(re.compile("status=pending.*tag=paged"))
    expect(page.locator("tbody tr")).to_have_count(50)

    page.get_by_role("link", name="Older").click()
    expect(page.locator("tbody tr")).to_have_count(10)

    page.go_back()
    expect(page.locator("tbody tr")).to_have_count(50)


def test_a_job_for_later_shows_when_it_is_due(page: Page, own_system: System) -> None:
    later = own_system.order("/reports", {"tags": ["later"], "delay": 110})
    own_system.order("/reports", {"tags": ["later"]})
    page.goto("/console/jobs?tag=later")
    page.get_by_label("Scheduled").select_option("waits for its time")
    expect(page).to_have_url(re.compile("scheduled=true"))
    row = page.locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(re.compile(r"due in \d+ s"))

    page.goto(f"/console/jobs/{later['id']}")
    due = page.locator(".hold time").last
    expect(page.locator(".head")).to_contain_text(re.compile(r"due in \d+ s"))
    expect(page.locator(".timeline").first).to_contain_text("Waits for its time")
    expect(due).not_to_have_text(due.inner_text())


def test_scheduled_jobs_alone_are_cancelled(page: Page, own_system: System) -> None:
    orders = [
        {"kind": "report", "tags": ["mixed"], "delay": 3600},
        {"kind": "report", "tags": ["mixed"]},
    ]
    own_system.http.post("/tasks/bulk", json={"tasks": orders})

    page.goto("/console/jobs?tag=mixed&scheduled=true")
    page.get_by_role("button", name="Cancel all matching…").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel 1 job").click()

    expect(page.locator(".head .badge")).to_have_text("success")
    page.goto("/console/jobs?tag=mixed&status=cancelled")
    expect(page.locator(".count")).to_have_text("1 job, newest first")


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("http://internal:8000/artifacts/x.y", "/artifacts/x.y"),
        ("https://bucket.example.com/a?b=c", "https://bucket.example.com/a?b=c"),
        ("javascript:alert(1)", None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_only_an_http_url_is_offered_as_a_download(
    page: Page, link: str | None, address: str | None
) -> None:
    module = "import('/console/static/views/job/job.js')"
    assert page.evaluate(f"link => {module}.then(view => view.addressOf(link))", link) == address


def test_an_unknown_id_shows_an_error(page: Page) -> None:
    page.goto("/console/jobs/<b>nobody")
    expect(page.get_by_text("There is no job with the id '<b>nobody'")).to_be_visible()


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_console_has_no_accessibility_violations(
    chromium: Browser, own_system: System, scheme: str, size: str
) -> None:
    done = own_system.wait_until_final("/reports", own_system.order("/reports", {})["id"])
    with visit_page(chromium, str(own_system.http.base_url), scheme=scheme, size=size) as page:
        for path in (*PATHS, f"/console/jobs/{done['id']}"):
            page.goto(path)
            expect(page.locator("main h1")).to_be_visible()
            expect(page.locator("[aria-busy]")).to_have_count(0)
            assert find_barriers(page) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_read_key_shows_everything_and_changes_nothing(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    system = System(tmp_path_factory.mktemp("keys"))
    system.http.headers["X-API-Key"] = "ops-key-of-the-test"
    try:
        system.start(**KEYS)
        done = system.wait_until_final("/reports", system.order("/reports", {})["id"])
        with visit_page(chromium, str(system.http.base_url)) as page:
            sign_in(page, "a-key-that-nobody-has")
            expect(page.get_by_role("alert")).to_have_text("The API key is not known")

            sign_in(page, "eyes-key-of-the-test")
            expect(page.locator("tbody tr").filter(has_text=done["id"])).to_be_visible()
            page.get_by_text("More", exact=True).click()
            expect(page.get_by_role("link", name="Limits", exact=True)).to_be_visible()
            assert page.get_by_role("link", name="Report", exact=True).count() == 0

            for path in (*PATHS, f"/console/jobs/{done['id']}"):
                page.goto(path)
                expect(page.locator("[aria-busy]")).to_have_count(0)
                assert page.locator("main button:not(.first, .quiet)").count() == 0
            page.get_by_role("button", name="Sign out").click()

            expect(page.get_by_label("API key")).to_be_visible()
            assert not find_barriers(page)
    finally:
        system.close()


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_the_mails_to_a_person_are_found_by_the_address(page: Page, own_system: System) -> None:
    address = "paged+tag@example.com"
    orders = [{"recipients": [address]} for _ in range(51)]
    ids = [own_system.order("/emails", order)["id"] for order in orders]
    for job_id in ids:
        own_system.wait_until_final("/emails", job_id)

    page.locator("#search-text").fill(address)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Mails to {address}")
    expect(page.locator("tbody tr")).to_have_count(50)
    expect(page.locator("tbody tr").first).to_contain_text("sent")
    page.get_by_role("link", name="Older").click()
    expect(page.locator("tbody tr")).to_have_count(1)

    page.get_by_label("Address", exact=True).fill("nobody@example.com")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_text("No mail to this address is known.")).to_be_visible()

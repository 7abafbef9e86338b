"""The list of jobs in a browser: filters that know what there is, chips, chosen rows, columns."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.system import System
from tests.support.waiting import wait_until

LATER = {"delay": 3600, "type": "summary"}


@pytest.fixture
def page(chromium: Browser, system: System) -> Iterator[Page]:
    """The console, just opened."""
    with visit_page(chromium, str(system.http.base_url)) as page:
        yield page


def order_later(system: System, tag: str, count: int) -> list[str]:
    return [system.order("/reports", LATER | {"tags": [tag]})["id"] for _ in range(count)]


def test_filters_know_kinds_queues_and_tags(page: Page, system: System) -> None:
    order_later(system, "known-tag", 1)
    page.goto("/console/jobs")

    page.get_by_label("Tag", exact=True).focus()

    for name, value in (("kind", "report"), ("queue", "celery"), ("tag", "known-tag")):
        option = page.locator(f"#known-{name} option[value={value}]")
        expect(option).to_have_count(1)


def test_each_chosen_filter_is_a_chip_that_removes_it(page: Page, system: System) -> None:
    order_later(system, "chip", 1)
    page.goto("/console/jobs?tag=chip&status=failed")
    chips = page.get_by_role("navigation", name="Chosen filters")
    expect(page.get_by_text("No job is like that.")).to_be_visible()

    chips.get_by_role("link", name="status failed: remove").click()

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(chips.get_by_role("link")).to_contain_text("tag chip")
    assert find_barriers(page) == []


def test_chosen_jobs_are_cancelled_and_run_again(page: Page, system: System) -> None:
    kept, *chosen = order_later(system, "choose", 3)
    page.goto("/console/jobs?tag=choose")
    page.get_by_role("checkbox", name="Choose all on this page").check()
    page.get_by_role("checkbox", name=f"Choose {kept}").uncheck()

    page.get_by_role("button", name="Cancel 2 chosen…").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel 2 jobs").click()

    expect(page.locator("tbody .badge.cancelled")).to_have_count(2)
    found = system.http.get("/tasks?tag=choose&status=pending").json()["tasks"]
    assert [task["id"] for task in found] == [kept]

    page.get_by_role("checkbox", name=f"Choose {chosen[0]}").check()
    page.get_by_role("button", name="Retry 1 chosen…").click()
    page.get_by_role("dialog").get_by_role("button", name="Retry 1 job").click()
    expect(page.locator("tbody .badge.cancelled")).to_have_count(1)


def test_the_oldest_jobs_can_come_first(page: Page, system: System) -> None:
    ids = order_later(system, "in-order", 2)
    page.goto("/console/jobs?tag=in-order")
    expect(page.locator("tbody tr").first).to_contain_text(ids[1])

    page.get_by_label("Order", exact=True).select_option("oldest first")

    expect(page.locator("tbody tr").first).to_contain_text(ids[0])
    expect(page).to_have_url(re.compile("order=oldest"))
    expect(page.locator(".count")).to_have_text("2 jobs, oldest first")


def test_columns_are_chosen_and_stay_so(page: Page, system: System) -> None:
    order_later(system, "columns", 1)
    page.goto("/console/jobs?tag=columns")
    page.locator("summary").get_by_text("Columns").click()

    page.get_by_role("checkbox", name="Queue").check()
    page.get_by_role("checkbox", name="Attempts").uncheck()

    titles = page.get_by_role("columnheader")
    expect(titles.get_by_text("Queue")).to_be_visible()
    page.reload()
    expect(titles.get_by_text("Queue")).to_be_visible()
    expect(titles.get_by_text("Attempts")).to_have_count(0)


def test_a_view_is_saved_by_name_and_is_an_address(page: Page) -> None:
    page.goto("/console/jobs?status=failed&tag=vip")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name of the view").fill("Failed of VIPs")
    page.get_by_role("button", name="Save", exact=True).click()

    page.goto("/console/jobs")
    views = page.get_by_role("navigation", name="Saved views")
    views.get_by_role("link", name="Failed of VIPs").click()

    expect(page).to_have_url(re.compile(r"/console/jobs\?status=failed&tag=vip$"))
    expect(views.get_by_role("link")).to_have_attribute("aria-current", "true")
    assert find_barriers(page) == []
    views.get_by_role("button", name="Forget the view Failed of VIPs").click()
    expect(views).to_have_count(0)
    page.reload()
    expect(page.get_by_text("Save this view")).to_be_visible()
    expect(views).to_have_count(0)


def test_the_slowest_of_the_newest_jobs_come_first(page: Page, system: System) -> None:
    ids = [system.order("/reports", {"tags": ["pace"]})["id"] for _ in range(3)]
    ended = [system.wait_until_final("/reports", job_id) for job_id in ids]
    ended.sort(key=lambda job: job["started_at"] - job["finished_at"])
    page.goto("/console/jobs?tag=pace")
    expect(page.locator("tbody tr")).to_have_count(3)

    page.get_by_label("Order", exact=True).select_option("slowest first")

    expect(page.locator(".count")).to_have_text("The slowest first, of all 3 jobs that match")
    for place, job in enumerate(ended):
        expect(page.locator("tbody tr").nth(place)).to_contain_text(job["id"])


def test_a_waiting_job_says_why_since_when_and_until_when(page: Page, system: System) -> None:
    system.http.post("/queues/celery/pause")
    until = time.time() + 7200
    system.http.put("/switches/frozen", json={"tag": "why-held", "until": until})
    try:
        paused = system.order("/reports", {"tags": ["why-paused"]})["id"]
        page.goto("/console/jobs?tag=why-paused")
        expect(page.locator("tbody tr")).to_contain_text("its queue is paused")

        page.goto(f"/console/jobs/{paused}")
        expect(page.locator(".hold")).to_have_text(re.compile("its queue is paused, since .*ago"))
        system.http.post("/queues/celery/resume")

        held = system.order("/reports", {"tags": ["why-held"]})["id"]
        wait_until(lambda: system.http.get(f"/tasks/{held}").json()["held_by"])
        page.goto("/console/jobs?tag=why-held")
        words = re.compile("held back by the switch frozen, until in 1[12]. min")
        expect(page.locator("tbody tr")).to_contain_text(words)
        page.get_by_role("link", name="held back by the switch frozen").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Limits")
    finally:
        system.http.post("/queues/celery/resume")
        system.http.delete("/switches/frozen")

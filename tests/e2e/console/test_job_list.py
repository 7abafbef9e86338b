"""The list of jobs in a browser: filters that know what there is, chips, chosen rows, columns."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, launch_browser, visit_page
from tests.support.programs.system import System

LATER = {"delay": 3600, "type": "summary"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all pages."""
    with launch_browser() as program:
        yield program


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

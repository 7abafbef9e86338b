"""The page of the workers in a browser: what they have, and the orders to them."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.system import System
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose worker these tests may stop."""
    system = System(tmp_path_factory.mktemp("workers"))
    system.start()
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, own_system: System) -> Iterator[Page]:
    """The page of the workers; who is asked says yes."""
    with visit_page(chromium, str(own_system.http.base_url)) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto("/console/workers?by=memory")
        yield page


def test_the_memory_and_the_busy_share_of_a_worker_are_drawn(page: Page) -> None:
    row = page.get_by_role("table", name="Workers").locator("tbody tr")

    expect(row.get_by_role("img", name=re.compile(r"At most \d+ MB"))).to_be_visible()
    expect(row.get_by_role("img", name=re.compile(r"At most \d+ %"))).to_be_visible()
    current = page.get_by_role("link", name="most memory first")
    expect(current).to_have_attribute("aria-current", "true")
    assert find_barriers(page) == []


def test_the_log_of_a_worker_is_shown(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Log of")).first.click()

    expect(page.get_by_role("log").locator("p", has_text="ready.")).to_be_visible()
    assert find_barriers(page) == []


def test_a_drained_worker_takes_no_more_jobs_and_a_stopped_one_is_started_anew(
    page: Page, own_system: System
) -> None:
    def describe() -> tuple[int, list[str]]:
        workers = own_system.http.get("/workers").json()["workers"]
        return (workers[0]["pid"], workers[0]["queues"]) if workers else (0, [])

    pid, queues = describe()
    assert "celery" in queues
    page.get_by_role("button", name="Drain").click()
    expect(page.locator("#said")).to_contain_text("is told to drain")
    wait_until(lambda: describe() == (pid, ["control"]))

    page.get_by_role("button", name="Stop").click()

    wait_until(lambda: describe()[0] not in {0, pid} and "celery" in describe()[1], 60)


def test_an_order_to_a_worker_that_does_not_live_is_refused(own_system: System) -> None:
    answer = own_system.http.post("/workers/celery@nobody/stop")

    assert answer.status_code == 404
    assert "There is no live worker 'celery@nobody'" in answer.json()["detail"]


def test_the_log_of_a_worker_that_was_never_there_is_unknown(own_system: System) -> None:
    answer = own_system.http.get("/workers/celery@nowhere/log")

    assert answer.status_code == 404
    assert "celery@nowhere" in answer.json()["detail"]

"""What the overview says needs a person, when it does."""

import re
from collections.abc import Iterator

import pytest
import redis
from playwright.sync_api import Browser, Locator, Page, expect

from project.store.client import Store
from project.store.commands import jobs
from tests.support import job_commands
from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.system import System


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system in which a switch, a limit, a queue and Redis want somebody."""
    system = System(tmp_path_factory.mktemp("troubled"))
    system.start(CONTINUO_EXCLUDED_QUEUES="lonely")
    system.http.put("/switches/off", json={"tag": "off", "until": 4_000_000_000})
    system.http.put("/limits/nothing", json={"tag": "limited", "concurrency": 0})
    for tags in (["off"], ["limited"], ["limited"]):
        system.order("/reports", {"tags": tags})
    store = Store(system.redis_url)
    store.run(jobs.enqueue(job_commands.message("lonely-job", "report", queue="lonely")))
    store.close()
    with redis.Redis.from_url(system.redis_url) as client:
        used = client.info("memory")["used_memory"]
        client.config_set("maxmemory", int(used * 1.1))
        client.config_set("maxmemory-policy", "volatile-lru")
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, troubled: System) -> Iterator[Page]:
    """The overview, just opened."""
    with visit_page(chromium, str(troubled.http.base_url)) as page:
        yield page


def test_what_needs_a_person_fits_a_phone(chromium: Browser, troubled: System) -> None:
    with visit_page(chromium, str(troubled.http.base_url), size="phone") as page:
        expect(find_need(page, "Redis is")).to_be_visible()

        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def find_need(page: Page, words: str) -> Locator:
    needs = page.get_by_role("region", name="What needs a person now")
    return needs.get_by_role("listitem").filter(has_text=re.compile(words))


@pytest.mark.parametrize(
    ("words", "rest", "address"),
    [
        (r"Redis is \d\d % full", "Raise maxmemory", "/console/jobs"),
        ("Redis deletes jobs", "set maxmemory-policy noeviction", "/console/jobs"),
        ("No worker takes from the queue lonely", "1 job waits: start a worker", "/console/queues"),
        ("The switch off holds jobs back", "1 job waits until it ends in", "/console/limits"),
        ("The limit nothing lets nothing run", "2 jobs wait in 1 lane until", "/console/limits"),
    ],
)
def test_what_needs_a_person_says_what_to_do_and_leads_there(
    page: Page, words: str, rest: str, address: str
) -> None:
    need = find_need(page, words)
    expect(need).to_contain_text(rest)
    assert find_barriers(page) == []

    need.get_by_role("link").click()

    expect(page).to_have_url(re.compile(address))

"""What waits in the outbox of an application, and what it refused, on the page of queues."""

from collections.abc import Iterator

import psycopg
import pytest
from continuo_client.outbox import SCHEMA, enqueue
from playwright.sync_api import Browser, Page, expect

from tests.support.browsers.playwright_browser import find_barriers, visit_page
from tests.support.programs.system import System
from tests.support.servers.postgres import PostgresServer, run_postgres
from tests.support.waiting import PATIENCE, wait_until

REPORTED_WITHIN = 10_000 * PATIENCE


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    """A database with an outbox."""
    with run_postgres() as server:
        with psycopg.connect(server.url) as connection:
            connection.execute(SCHEMA)
        yield server


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, database: PostgresServer) -> Iterator[System]:
    """A system that relays the outbox."""
    system = System(tmp_path_factory.mktemp("shop"))
    system.start(OUTBOX_URL=database.url)
    yield system
    system.close()


@pytest.fixture
def page(chromium: Browser, shop: System) -> Iterator[Page]:
    """The console, just opened."""
    with visit_page(chromium, str(shop.http.base_url)) as page:
        yield page


def test_a_refused_order_is_shown_ordered_again_and_deleted(
    page: Page, shop: System, database: PostgresServer
) -> None:
    with psycopg.connect(database.url) as connection:
        first, second = (enqueue(connection, f"unknown{number}") for number in (1, 2))
    wait_until(lambda: len(shop.http.get("/outboxes/refused").json()["refused"]) == 2)

    page.get_by_role("link", name="Queues").click()
    part = page.get_by_role("region", name="Refused orders")
    expect(part).to_contain_text("'unknown1' is not known here", timeout=REPORTED_WITHIN)
    assert find_barriers(page) == []

    page.get_by_role("button", name=f"Retry {first}").click()
    expect(page.locator("#said")).to_contain_text(f"{first} is ordered again.")

    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"Delete {second}").click()
    expect(part).not_to_contain_text("unknown2", timeout=REPORTED_WITHIN)
    assert str(second) not in shop.http.get("/outboxes/refused").text

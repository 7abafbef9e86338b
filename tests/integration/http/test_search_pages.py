"""A request that searches reads on until its page is full, or its time is over."""

import asyncio

import pytest

from api.jobs import records
from project.celery import app
from project.local.valkey import EmbeddedValkey
from project.records.record import RecordPage
from project.store.async_client import AsyncStore
from project.store.client import Store
from project.store.commands import jobs
from project.store.commands.queries import RecordFilter
from tests.support.job_commands import fail, message, start


@pytest.fixture(autouse=True)
def ten_failures(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten jobs with an error of their own; a script reads four of them."""
    monkeypatch.setattr("project.store.commands.queries.MAX_SCANNED_RECORDS", 4)
    for number in range(10):
        store.run(jobs.enqueue(message(str(number))))
        start(store, str(number))
        fail(store, str(number))
        store.client.hset(f"continuo:job:{number}", "error", f"no. {number} (of 10)")


@pytest.fixture
def search(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> "Search":
    return Search(valkey.url, monkeypatch)


class Search:
    """Asks for one page, as a request does."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        self.monkeypatch = monkeypatch

    def __call__(self, error: str, limit: int) -> RecordPage:
        async def fetch() -> RecordPage:
            store = AsyncStore(self.url)
            self.monkeypatch.setattr(app, "async_store", store)
            page = await records.fetch_page(RecordFilter(error=error), limit, "")
            await store.close()
            return page

        return asyncio.run(fetch())


def test_one_request_finds_what_is_far_back(search: Search) -> None:
    page = search("no. 1 (", limit=2)

    assert [record.id for record in page.records] == ["1"]
    assert (page.looked_at, page.next_cursor) == (10, None)


def test_it_stops_when_the_page_is_full(search: Search) -> None:
    page = search("(of 10)", limit=6)

    assert [record.id for record in page.records] == ["9", "8", "7", "6", "5", "4"]
    assert page.looked_at == 6
    assert page.next_cursor is not None


def test_it_stops_when_its_time_is_over(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "SCAN_SECONDS", 0.0)

    page = search("no. 1 (", limit=2)

    assert (page.records, page.looked_at) == ([], 4)
    assert page.next_cursor is not None

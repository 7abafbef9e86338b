"""The reader of events in an API process."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from project.errors import StoreUnavailable
from project.local.valkey import EmbeddedValkey
from project.records.record import EventFilter
from project.store import event_feed
from project.store.async_client import AsyncStore
from project.store.client import Store
from project.store.commands import events, jobs
from project.store.commands.message import Message
from project.store.event_feed import Feed
from tests.support.ports import find_free_port
from tests.support.waiting import wait_until

STREAM = "continuo:events"
SECONDS = 10.0
NEVER = asyncio.Event


def order(store: Store, job_id: str) -> None:
    store.run(jobs.enqueue(Message(job_id, "report", "celery", "m", "[[], {}]", 3)))


def with_feed(url: str, act: Callable[[Feed], Awaitable[None]]) -> None:
    async def run() -> None:
        store = AsyncStore(url)
        reading = Feed(url, store)
        try:
            await act(reading)
        finally:
            await reading.close()
            await store.close()

    asyncio.run(run())


def readers(store: Store) -> int:
    """Connections that were last used to wait for events."""
    return sum(client["cmd"] == "xread" for client in store.client.client_list())


def test_a_listener_gets_events_while_it_listens(store: Store, valkey: EmbeddedValkey) -> None:
    order(store, "before")

    async def act(reading: Feed) -> None:
        async with (
            reading.listen(EventFilter()) as everything,
            reading.listen(EventFilter(job="b")) as one,
        ):
            for job_id in ("a", "b"):
                order(store, job_id)
            await one.wait(SECONDS, NEVER())
            heard = [noted.event.id for noted in everything.events]
            assert (heard, len(one.events)) == (["a", "b"], 1)
            assert one.place == everything.place == store.run(events.read_last_event_id())

    with_feed(valkey.url, act)


def test_listeners_learn_that_events_were_trimmed_before_they_were_read(
    store: Store, valkey: EmbeddedValkey
) -> None:
    order(store, "before")

    async def act(reading: Feed) -> None:
        async with reading.listen(EventFilter()) as listener:
            with store.client.pipeline(transaction=True) as pipe:
                for _ in range(3):
                    pipe.xadd(STREAM, {"id": "x", "kind": "k", "status": "pending", "attempts": 0})
                pipe.xtrim(STREAM, 1, approximate=False).execute()
            await listener.wait(SECONDS, NEVER())
            assert (listener.is_closed, listener.events) == (True, [])

    with_feed(valkey.url, act)


def test_the_reader_runs_only_while_there_are_listeners(
    store: Store, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "LINGER_SECONDS", 0.0)

    async def act(reading: Feed) -> None:
        for job_id in ("a", "b"):
            async with reading.listen(EventFilter()) as listener:
                await asyncio.to_thread(wait_until, lambda: readers(store) == others + 1)
                order(store, job_id)
                await listener.wait(SECONDS, NEVER())
                assert [noted.event.id for noted in listener.events] == [job_id]
            await asyncio.to_thread(wait_until, lambda: readers(store) == others)

    others = readers(store)
    with_feed(valkey.url, act)


def test_listening_fails_while_redis_is_down() -> None:
    async def act(reading: Feed) -> None:
        with pytest.raises(StoreUnavailable):
            async with reading.listen(EventFilter()):
                pass

    with_feed(f"redis://127.0.0.1:{find_free_port()}/0", act)

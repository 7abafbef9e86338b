"""The events of jobs, read from Redis once for all listeners of this process.

A reader runs while there are listeners. At the first error the reader ends and closes all
listeners. The next listener starts another reader, and replays what happened in between.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import chain
from time import monotonic

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from project.errors import StoreUnavailable
from project.records.record import EventFilter
from project.store.async_client import AsyncStore
from project.store.commands import events
from project.store.commands.events import StoredEvent
from project.store.connection import PREFIX
from project.store.sentinel import async_redis_options

log = logging.getLogger(__name__)

STREAM = f"{PREFIX}events"

BLOCK_MS = 1_000
"""How long one XREAD waits for an event."""

ANSWER_TIMEOUT_SECONDS = 2.0
"""How long an answer may take beyond ``BLOCK_MS``."""

PAUSE_SECONDS = 0.02
"""Pause between two reads: many events cost little more than one."""

MAX_EVENTS_PER_READ = 1_000
MAX_WAITING_EVENTS = 1_000
"""How many events wait for one listener; one more closes the listener."""

LINGER_SECONDS = 5.0
"""How long the reader stays without listeners: most listeners come back at once."""


class Listener:
    """Collects the events that match a filter, from the ``place`` in the stream where it began.

    ``place`` is that of the last event read, matching or not. ``is_closed``: no event follows.
    """

    def __init__(self, wanted: EventFilter, place: str) -> None:
        self.wanted = wanted
        self.place = place
        self.events: list[StoredEvent] = []
        self.is_closed = False
        self._wakeup = asyncio.Event()

    def add(self, stored: StoredEvent) -> None:
        """Take an event if it matches."""
        if self.is_closed or not self.wanted.matches(stored.event):
            return
        self.events.append(stored)
        self._wakeup.set()
        if len(self.events) >= MAX_WAITING_EVENTS:
            self.place = stored.place
            self.close()

    def close(self) -> None:
        """Take no more events, and wake the one who waits."""
        self.is_closed = True
        self._wakeup.set()

    async def wait(self, seconds: float, leaving: asyncio.Event) -> None:
        """Wait for an event, until closed, until ``leaving`` is set, or for some ``seconds``."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._wakeup, leaving)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


class Feed:
    """The events of all jobs. All methods belong to one event loop."""

    def __init__(self, url: str, store: AsyncStore) -> None:
        self.place = ""
        self._url = url
        self._store = store
        self._listeners: defaultdict[str, set[Listener]] = defaultdict(set)
        self._starting = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listen(self, wanted: EventFilter) -> AsyncIterator[Listener]:
        """Listen to events from now on. Raises ``StoreUnavailable``."""
        await self._start()
        listener = Listener(wanted, self.place)
        listeners = self._listeners[wanted.job]
        listeners.add(listener)
        try:
            yield listener
        finally:
            listeners.discard(listener)
            if not listeners:
                self._listeners.pop(wanted.job, None)

    async def close(self) -> None:
        """End the reader."""
        if self._reader:
            self._reader.cancel()

    async def _start(self) -> None:
        async with self._starting:
            if self._reader is None:
                self.place = await self._store.run(events.read_last_event_id())
                self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        client = redis.asyncio.Redis.from_url(
            **async_redis_options(self._url),
            single_connection_client=True,
            socket_timeout=BLOCK_MS / 1000 + ANSWER_TIMEOUT_SECONDS,
            socket_connect_timeout=ANSWER_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            async with client:
                await self._read_on(client)
        except (RedisError, StoreUnavailable, OSError) as problem:
            log.warning("events are not read: %s", problem)
        finally:
            self._reader = None
            for listener in self._all_listeners():
                listener.close()

    async def _read_on(self, client: redis.asyncio.Redis) -> None:
        end = monotonic() + LINGER_SECONDS
        while self._listeners or monotonic() < end:
            if self._listeners:
                end = monotonic() + LINGER_SECONDS
            if not await client.xread({STREAM: self.place}, count=1, block=BLOCK_MS):
                continue
            if not await self._deliver():
                await asyncio.sleep(PAUSE_SECONDS)

    async def _deliver(self) -> bool:
        """Give new events to their listeners; whether there are more."""
        replay = await self._store.run(
            events.replay(self.place, EventFilter(), most=MAX_EVENTS_PER_READ)
        )
        if not replay.is_whole:
            raise StoreUnavailable("events were forgotten before they were read")
        for stored in replay.events:
            for listener in self._listeners_of(stored):
                listener.add(stored)
        self.place = replay.place
        for listener in self._all_listeners():
            if not listener.is_closed:
                listener.place = replay.place
        return replay.is_more

    def _listeners_of(self, stored: StoredEvent) -> Iterator[Listener]:
        yield from self._listeners.get(stored.event.id, ())
        yield from self._listeners.get("", ())

    def _all_listeners(self) -> Iterator[Listener]:
        return chain.from_iterable(self._listeners.values())

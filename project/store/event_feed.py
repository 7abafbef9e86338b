"""What happens to jobs, read from Redis once for everybody in this process who waits for it.

A reader runs while somebody listens. At the first trouble it ends and says so; whoever
listens next starts another, and asks Redis for what came in between.
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
"""How long Redis is asked to wait for an event."""

PATIENCE = 2.0
"""Seconds after which it does not answer any more."""

PACE = 0.02
"""Seconds between two looks while much happens: many events cost little more than one."""

MOST_AT_ONCE = 1_000
MOST_HEARD = 1_000
"""Events that wait for a listener; one that has more hears no further."""

LINGER = 5.0
"""Seconds the reader stays when nobody listens: most come back at once."""


class Listener:
    """Hears the events it wants, all of them after the ``place`` it began at.

    ``place`` moves on with what it could have heard. ``is_cut``: it hears no more.
    """

    def __init__(self, wanted: EventFilter, place: str) -> None:
        self.wanted = wanted
        self.place = place
        self.heard: list[StoredEvent] = []
        self.is_cut = False
        self._bell = asyncio.Event()

    def hear(self, noted: StoredEvent) -> None:
        """Take an event if it is wanted."""
        if self.is_cut or not self.wanted.matches(noted.event):
            return
        self.heard.append(noted)
        self._bell.set()
        if len(self.heard) >= MOST_HEARD:
            self.place = noted.place
            self.cut()

    def cut(self) -> None:
        """Hear no more."""
        self.is_cut = True
        self._bell.set()

    async def wait(self, seconds: float, leaving: asyncio.Event) -> None:
        """Until there is something to hear, or it is cut, or ``leaving`` is set, or time is up."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._bell, leaving)]
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
        """Hear what happens from here on. Raises ``StoreUnavailable``."""
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
            socket_timeout=BLOCK_MS / 1000 + PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            async with client:
                await self._read_on(client)
        except (RedisError, StoreUnavailable, OSError) as problem:
            log.warning("events are not read: %s", problem)
        finally:
            self._reader = None
            for listener in self._everybody():
                listener.cut()

    async def _read_on(self, client: redis.asyncio.Redis) -> None:
        end = monotonic() + LINGER
        while self._listeners or monotonic() < end:
            if self._listeners:
                end = monotonic() + LINGER
            if not await client.xread({STREAM: self.place}, count=1, block=BLOCK_MS):
                continue
            if not await self._deliver():
                await asyncio.sleep(PACE)

    async def _deliver(self) -> bool:
        """Pass on what happened; whether there is more."""
        replay = await self._store.run(events.replay(self.place, EventFilter(), most=MOST_AT_ONCE))
        if not replay.is_whole:
            raise StoreUnavailable("events were forgotten before they were read")
        for noted in replay.events:
            for listener in self._listeners_of(noted):
                listener.hear(noted)
        self.place = replay.place
        for listener in self._everybody():
            if not listener.is_cut:
                listener.place = replay.place
        return replay.is_more

    def _listeners_of(self, noted: StoredEvent) -> Iterator[Listener]:
        yield from self._listeners.get(noted.event.id, ())
        yield from self._listeners.get("", ())

    def _everybody(self) -> Iterator[Listener]:
        return chain.from_iterable(self._listeners.values())

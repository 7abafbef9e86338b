"""A Redis whose address Sentinels tell: they are asked anew for each connection.

``redis+sentinel://user:password@one:26379,two:26379,three:26379/name/0``: where the Sentinels
are, the name they know the primary by, and the database. User and password are the primary's.

A primary answers before its replicas have a change, and one that takes its place knows nothing
of what they had not. So a move counts only when one replica has it (``?replicas=1``, 0 for
not to wait); if none has, it is asked for again, as after an answer that was lost.
"""

from typing import Any

import redis.asyncio
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.sentinel import Sentinel

from project.settings.sentinel_url import Watched, read_sentinel_url

TIMEOUT = 0.5
"""Seconds that one Sentinel may take to answer, before the next is asked."""

PATIENCE: dict[str, Any] = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}


def reached(url: str) -> dict[str, Any]:
    """What a client of redis-py is made from to reach the server, wherever it is."""
    watched = read_sentinel_url(url)
    if watched is None:
        return {"url": url}
    return {"url": watched.url, "connection_class": Connection, "watched": watched}


def reached_async(url: str) -> dict[str, Any]:
    """The same for a client that is awaited."""
    found = reached(url)
    return found | {"connection_class": AsyncConnection} if "watched" in found else found


class Connection(redis.Connection):
    """A connection to the primary of the moment."""

    def __init__(self, watched: Watched, **options: Any) -> None:
        super().__init__(**options)
        self.watched = watched

    def _connect(self) -> Any:
        self.host, self.port = find(self.watched)
        return super()._connect()


class AsyncConnection(redis.asyncio.Connection):
    """The same on an event loop."""

    def __init__(self, watched: Watched, **options: Any) -> None:
        super().__init__(**options)
        self.watched = watched

    async def _connect(self) -> None:
        self.host, self.port = await find_async(self.watched)
        await super()._connect()


def find(watched: Watched) -> tuple[str, int]:
    """Where the primary is. Raises ``redis.ConnectionError``."""
    asked = Sentinel(watched.sentinels, **PATIENCE)
    try:
        host, port = asked.discover_master(watched.name)
    finally:
        for sentinel in asked.sentinels:
            sentinel.close()
    return host, port


async def find_async(watched: Watched) -> tuple[str, int]:
    """The same on an event loop."""
    asked = AsyncSentinel(watched.sentinels, **PATIENCE)
    try:
        host, port = await asked.discover_master(watched.name)
    finally:
        for sentinel in asked.sentinels:
            await sentinel.aclose()
    return host, port

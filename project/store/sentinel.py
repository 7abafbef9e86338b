"""Connections to a Redis primary that Sentinels find; each new connection asks them.

``redis+sentinel://user:password@one:26379,two:26379,three:26379/name/0``: where the Sentinels
are, the name they know the primary by, and the database. User and password are the primary's.

A primary answers before its replicas have a change, and a replica that is promoted lacks what it
did not get. So a command counts only when one replica has its changes (``?replicas=1``; 0: do not
wait). If none has them, the command runs again, as after a lost answer.
"""

from typing import Any

import redis.asyncio
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.sentinel import Sentinel

from project.settings.sentinel_url import SentinelUrl, parse_sentinel_url

TIMEOUT_SECONDS = 0.5
"""Seconds that one Sentinel may take to answer, before the next is asked."""

TIMEOUT_OPTIONS: dict[str, Any] = {
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
}


def redis_options(url: str) -> dict[str, Any]:
    """What a client of redis-py is made from to reach the server, wherever it is."""
    watched = parse_sentinel_url(url)
    if watched is None:
        return {"url": url}
    return {"url": watched.url, "connection_class": PrimaryConnection, "watched": watched}


def async_redis_options(url: str) -> dict[str, Any]:
    """The same for a client that is awaited."""
    found = redis_options(url)
    return found | {"connection_class": AsyncPrimaryConnection} if "watched" in found else found


class PrimaryConnection(redis.Connection):
    """A connection to the primary of the moment."""

    def __init__(self, watched: SentinelUrl, **options: Any) -> None:
        super().__init__(**options)
        self.watched = watched

    def _connect(self) -> Any:
        self.host, self.port = discover_primary(self.watched)
        return super()._connect()


class AsyncPrimaryConnection(redis.asyncio.Connection):
    """The same on an event loop."""

    def __init__(self, watched: SentinelUrl, **options: Any) -> None:
        super().__init__(**options)
        self.watched = watched

    async def _connect(self) -> None:
        self.host, self.port = await discover_primary_async(self.watched)
        await super()._connect()


def discover_primary(watched: SentinelUrl) -> tuple[str, int]:
    """Where the primary is. Raises ``redis.ConnectionError``."""
    asked = Sentinel(watched.sentinels, **TIMEOUT_OPTIONS)
    try:
        host, port = asked.discover_master(watched.name)
    finally:
        for sentinel in asked.sentinels:
            sentinel.close()
    return host, port


async def discover_primary_async(watched: SentinelUrl) -> tuple[str, int]:
    """The same on an event loop."""
    asked = AsyncSentinel(watched.sentinels, **TIMEOUT_OPTIONS)
    try:
        host, port = await asked.discover_master(watched.name)
    finally:
        for sentinel in asked.sentinels:
            await sentinel.aclose()
    return host, port

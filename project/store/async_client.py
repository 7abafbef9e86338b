"""``AsyncStore`` runs commands on an event loop, for the API: one try, within a second."""

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import Any, Protocol

import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import RedisError

from project.errors import StoreUnavailable
from project.store.commands.command import Command
from project.store.connection import (
    KEYS,
    REPLICAS_MS,
    build_unavailable,
    replicas_of,
    require_replicas,
)
from project.store.scripts import SCRIPTS
from project.store.sentinel import async_redis_options

log = logging.getLogger(__name__)

CONNECTION_TIMEOUT_SECONDS = 0.8
ANSWER_TIMEOUT_SECONDS = 0.9
"""Seconds after which an awaited command is given up, whatever it waits for."""

NATIVE_PAUSE_SECONDS = 1.0
"""Seconds without the native client after it failed."""


class NativeRedis(Protocol):
    """The Redis client inside the HTTP server: twice as fast, with a few commands only."""

    async def evalsha(self, sha: str, keys: int, /, *arguments: str) -> Any:
        """Run a script that Redis has; text comes back as ``str``, other bytes as ``bytes``."""


class AsyncStore:
    """Runs commands on an event loop, for the API: one try, within a second.

    With a ``native`` client commands go there first. When it fails at once (a script
    that Redis does not have, a connection that broke) they go through redis-py; after a broken
    connection all others do so for a while, too.
    """

    native: NativeRedis | None = None

    def __init__(self, url: str, *, keys: list[str] = KEYS, connections: int = 64) -> None:
        self.keys = keys
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            **async_redis_options(url),
            max_connections=connections,
            timeout=CONNECTION_TIMEOUT_SECONDS,
            socket_timeout=CONNECTION_TIMEOUT_SECONDS,
            socket_connect_timeout=CONNECTION_TIMEOUT_SECONDS,
            socket_keepalive=True,
            retry=AsyncRetry(NoBackoff(), 1),
        )
        self.client = redis.asyncio.Redis.from_pool(pool)
        self._scripts: dict[str, AsyncScript] = {}
        self._replicas = replicas_of(self.client)
        self._native_again_at = 0.0

    async def run[T](self, command: Command[T]) -> T:
        """Do the command. Raises ``StoreUnavailable`` when Redis did not take it."""
        return command.read(await in_time(self._answer(command)))

    async def ping(self) -> None:
        """Raise ``StoreUnavailable`` unless Redis answers."""
        await in_time(self.client.ping())

    async def close(self) -> None:
        """Give the connections back."""
        await self.client.aclose()

    async def _answer(self, command: Command[Any]) -> Any:
        script = self._script(command.script)
        if self.native and time.monotonic() >= self._native_again_at:
            arguments = map(str, (*self.keys, *command.arguments))
            try:
                answer = await self.native.evalsha(script.sha, len(self.keys), *arguments)
                return as_bytes(answer)
            except RuntimeError as problem:
                self._leave_native(problem)
        if self._replicas:
            return await self._replicated(script, command)
        return await script(keys=self.keys, args=list(command.arguments))

    def _leave_native(self, problem: RuntimeError) -> None:
        """Go without the native client for a while; a script that Redis lacks is loaded at once."""
        if "NoScript" not in str(problem):
            log.info("native Redis client: %s", problem)
            self._native_again_at = time.monotonic() + NATIVE_PAUSE_SECONDS

    async def _replicated(self, script: AsyncScript, command: Command[Any]) -> Any:
        pipeline = self.client.pipeline(transaction=False)
        await script(keys=self.keys, args=list(command.arguments), client=pipeline)
        pipeline.wait(self._replicas, REPLICAS_MS)
        answer, count = await pipeline.execute()
        require_replicas(count, self._replicas)
        return answer

    def _script(self, name: str) -> AsyncScript:
        if name not in self._scripts:
            self._scripts[name] = self.client.register_script(SCRIPTS[name])
        return self._scripts[name]


def as_bytes(answer: Any) -> Any:
    """An answer of the native client as redis-py would give it."""
    if isinstance(answer, str):
        return answer.encode()
    return [as_bytes(item) for item in answer] if isinstance(answer, list) else answer


async def in_time[A](answer: Awaitable[A]) -> A:
    """What Redis answers, within a second. Raises ``StoreUnavailable``."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
            return await answer
    except RedisError as problem:
        raise build_unavailable(problem) from problem
    except TimeoutError as problem:
        raise StoreUnavailable("Redis does not answer") from problem

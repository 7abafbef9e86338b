"""Stores run moves on Redis: ``Store`` blocks, ``AsyncStore`` is awaited.

Neither hangs: every command has a timeout. ``patience`` is how long a store
goes on trying while Redis is away: a worker waits for it to come back so that
no result is lost, the API answers 503 at once.
"""

import asyncio
import logging
import os
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from hashlib import sha1
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from project.errors import StoreUnavailable
from project.primary import Watched, reached, reached_async

if TYPE_CHECKING:
    from project.moves import Move

log = logging.getLogger(__name__)

OURS = files("project") / "lua"

PREFIX = "continuo:"
EVENTS_KEPT = 10_000


def keys_of(events_kept: int = EVENTS_KEPT, *, elsewhere: bool = False) -> list[str]:
    """What every move is given; ``elsewhere``: messages go through another broker than Redis."""
    return [PREFIX, str(events_kept), *(["elsewhere"] if elsewhere else [])]


KEYS = keys_of()

COMMAND_TIMEOUT = 2.5
API_TIMEOUT = 0.8
ANSWER_TIMEOUT = 0.9
"""Seconds after which an awaited command is given up, whatever it waits for."""

REPLICAS_MS = 400
"""Milliseconds that replicas have to say that they have a change."""

PAUSE = 0.25
NATIVE_PAUSE = 1.0
"""Seconds the native client is left alone after it failed."""

SHARED_HERE = "-- shared\n"
"""A script that may be done before it needs the shared part has it behind this line."""

NOT_NOW = ("MISCONF ", "NOREPLICAS ", "BUSY ", "MASTERDOWN ")
"""How Redis begins to refuse what it will take later: its disk is full, a replica is missing."""

AWAY = (RedisConnectionError, RedisTimeoutError, ReadOnlyError)


SELDOM = "-- seldom\n"
"""Ends the first line of a shared Lua function that hardly any run of a script calls."""


def read_scripts(folder: Traversable) -> dict[str, str]:
    """The Lua of every move in a folder, each after what it uses of the parts that are shared.

    Those are the prelude of all moves, and one that the folder may have for its own.
    """
    texts = {
        Path(file.name).stem: file.read_text()
        for file in folder.iterdir()
        if file.name.endswith(".lua")
    }
    shared = definitions((OURS / "prelude.lua").read_text())
    shared |= definitions(texts.pop("prelude", ""))
    return {name: whole(text, shared) for name, text in texts.items()}


def whole(lua: str, shared: dict[str, str]) -> str:
    """A script after what it uses of the shared part, or with that in the place it says."""
    before, _, rest = lua.rpartition(SHARED_HERE)
    return before + used_by(rest, shared) + rest


def definitions(lua: str) -> dict[str, str]:
    """The names that a piece of Lua makes at its top level, each with its text."""
    bare = re.sub(r"^--.*\n", "", lua, flags=re.MULTILINE)
    parts = re.split(r"^(?=local )", bare, flags=re.MULTILINE)
    found: dict[str, str] = {}
    for part in filter(str.strip, parts):
        found[name_of(part)] = packed(part, found)
    return found


def name_of(definition: str) -> str:
    """What a Lua definition defines."""
    found = re.match(r"local (?:function )?(\w+)", definition)
    if found is None:
        raise ValueError(f"not a definition: {definition}")
    return found[1]


def packed(definition: str, shared: dict[str, str]) -> str:
    """A function that is marked as called seldom, with all that it needs inside.

    So the scripts that may call it are spared the time to define those each time they run.
    """
    head, mark, body = definition.partition(SELDOM)
    return head + mark + used_by(body, shared) + body


def used_by(lua: str, shared: dict[str, str]) -> str:
    """The shared definitions that a script needs, in their order: fewer take Redis less time."""
    needed, read = "", lua
    for name, definition in reversed(shared.items()):
        if re.search(rf"\b{name}\b", read):
            needed = definition + needed
            read += "" if SELDOM in definition else definition
    return needed


SCRIPTS: dict[str, str] = {}
"""Read once, with this program: an upgrade in place does not mix old and new."""


DIGESTS: dict[str, str] = {}
"""What Redis knows them by."""


def add_scripts(folder: Traversable) -> None:
    """Make the moves of a folder known, for a kind of job that has some of its own."""
    scripts = read_scripts(folder)
    SCRIPTS.update(scripts)
    DIGESTS.update(
        (name, sha1(text.encode(), usedforsecurity=False).hexdigest())
        for name, text in scripts.items()
    )


add_scripts(OURS)


class Line(threading.local):
    """A connection that a thread keeps: to borrow one for each command takes twice as long.

    It belongs to no pool, so it ends with its thread.
    """

    pid = 0
    connection: Any = None
    is_busy = False

    def taken_from(self, client: redis.Redis) -> Any:
        """The connection of this thread in this process."""
        if self.pid != os.getpid():
            self.connection = connect(client)
            self.pid = os.getpid()
        return self.connection


def connect(client: redis.Redis) -> Any:
    """A connection as the client makes them, which its pool does not count."""
    pool = client.connection_pool
    return pool.connection_class(**pool.connection_kwargs)


class Scripts:
    """Runs moves on a Redis client as they are: its errors come through."""

    def __init__(self, client: redis.Redis, keys: list[str] = KEYS) -> None:
        self.client = client
        self.keys = keys
        self._line = Line()
        self._replicas = replicas_of(client)

    def run[T](self, move: "Move[T]") -> T:
        """Do the move. Raises ``redis.RedisError``."""
        if self._line.is_busy:  # a signal handler, in the middle of another move
            return move.read(self._ask(move, connect(self.client)))
        self._line.is_busy = True
        try:
            return move.read(self._ask(move, self._line.taken_from(self.client)))
        finally:
            self._line.is_busy = False

    def reconnect(self) -> None:
        """Leave this thread's connection: the next move makes a new one."""
        self._line.taken_from(self.client).disconnect()

    def _ask(self, move: "Move[Any]", connection: Any) -> Any:
        try:
            self.send(move, connection)
            return self.receive(move, connection)
        except ReadOnlyError:
            connection.disconnect()  # another server may answer to the name by now
            raise
        except ResponseError:
            raise
        except BaseException:  # a signal may have come before the answer: nobody may read it now
            connection.disconnect()
            raise

    def send(self, move: "Move[Any]", connection: Any) -> None:
        """Ask for the move, without waiting for the answer."""
        self._send(connection, "EVALSHA", DIGESTS[move.script], move)

    def receive(self, move: "Move[Any]", connection: Any) -> Any:
        """The answer; a script that Redis has lost is sent again."""
        try:
            return self._read(connection)
        except NoScriptError:
            self._send(connection, "EVAL", SCRIPTS[move.script], move)
            return self._read(connection)

    def _send(self, connection: Any, command: str, script: str, move: "Move[Any]") -> None:
        connection.send_command(command, script, *self._rest(move))
        if self._replicas:
            connection.send_command("WAIT", self._replicas, REPLICAS_MS)

    def _read(self, connection: Any) -> Any:
        if not self._replicas:
            return connection.read_response()
        try:
            answer = connection.read_response()
        except ResponseError:
            connection.read_response()  # of the replicas
            raise
        require_replicas(connection.read_response(), self._replicas)
        return answer

    def _rest(self, move: "Move[Any]") -> Iterator[str | bytes]:
        """As text: hiredis crashes when a signal comes while it makes text of a number."""
        for argument in (len(self.keys), *self.keys, *move.arguments):
            yield argument if isinstance(argument, bytes) else str(argument)


class Store:
    """Runs moves from ordinary code. Safe to share between threads and across a fork.

    ``patience``: seconds to go on trying while Redis cannot be reached.
    ``timeout``: seconds a single command may take. ``keys``: where messages are.
    """

    def __init__(
        self,
        url: str,
        *,
        keys: list[str] = KEYS,
        patience: float = 0.0,
        timeout: float = COMMAND_TIMEOUT,
    ) -> None:
        self.patience = patience
        self.client = redis.Redis.from_url(
            **reached(url),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
        )
        self._scripts = Scripts(self.client, keys)

    def run[T](self, move: "Move[T]") -> T:
        """Do the move. Raises ``StoreUnavailable`` when Redis did not take it."""
        return self._patiently(lambda: self._scripts.run(move))

    def begin[T](self, move: "Move[T]") -> Callable[[], T]:
        """Ask for the move; what comes back is to be called once, and waits for the answer.

        When the connection is lost the move is run again: asked twice it happens once.
        """
        connection = connect(self.client)
        try:
            self._scripts.send(move, connection)
        except RedisError:
            return partial(self.run, move)

        def finish() -> T:
            try:
                return move.read(self._scripts.receive(move, connection))
            except RedisError as problem:
                if is_away(problem):
                    return self.run(move)
                raise StoreUnavailable(reason(problem)) from problem
            finally:
                connection.disconnect()

        return finish

    def ping(self) -> None:
        """Raise ``StoreUnavailable`` unless Redis answers."""
        self._patiently(self.client.ping)

    def reconnect(self) -> None:
        """Leave connections that may have gone silent: the next command makes a new one."""
        self._scripts.reconnect()
        self.client.connection_pool.disconnect()

    def close(self) -> None:
        """Give the connections back, that of this thread too."""
        self._scripts.reconnect()
        self.client.close()

    def _patiently[A](self, command: Callable[[], A]) -> A:
        give_up_at = time.monotonic() + self.patience
        for pause in chain([0.0], repeat(PAUSE)):  # at once at first: the connection may be old
            try:
                return command()
            except RedisError as problem:
                left = give_up_at - time.monotonic()
                if not is_away(problem) or (pause and left <= 0):
                    raise StoreUnavailable(reason(problem)) from problem
                time.sleep(max(min(pause, left), 0.0))
        raise AssertionError


class NativeRedis(Protocol):
    """The Redis client inside the HTTP server: twice as fast, with a few commands only."""

    async def evalsha(self, sha: str, keys: int, /, *arguments: str) -> Any:
        """Run a script that Redis has; text comes back as ``str``, other bytes as ``bytes``."""


class AsyncStore:
    """Runs moves on an event loop, for the API: one try, within a second.

    With a ``native`` client moves go there first. When it fails at once (a script
    that Redis has lost, a connection that broke) they go through redis-py, and so
    do all others for a while.
    """

    native: NativeRedis | None = None

    def __init__(self, url: str, *, keys: list[str] = KEYS, connections: int = 64) -> None:
        self.keys = keys
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            **reached_async(url),
            max_connections=connections,
            timeout=API_TIMEOUT,
            socket_timeout=API_TIMEOUT,
            socket_connect_timeout=API_TIMEOUT,
            socket_keepalive=True,
            retry=AsyncRetry(NoBackoff(), 1),
        )
        self.client = redis.asyncio.Redis.from_pool(pool)
        self._scripts: dict[str, AsyncScript] = {}
        self._replicas = replicas_of(self.client)
        self._native_again_at = 0.0

    async def run[T](self, move: "Move[T]") -> T:
        """Do the move. Raises ``StoreUnavailable`` when Redis did not take it."""
        return move.read(await in_time(self._answer(move)))

    async def ping(self) -> None:
        """Raise ``StoreUnavailable`` unless Redis answers."""
        await in_time(self.client.ping())

    async def close(self) -> None:
        """Give the connections back."""
        await self.client.aclose()

    async def _answer(self, move: "Move[Any]") -> Any:
        script = self._script(move.script)
        if self.native and time.monotonic() >= self._native_again_at:
            arguments = map(str, (*self.keys, *move.arguments))
            try:
                answer = await self.native.evalsha(script.sha, len(self.keys), *arguments)
                return as_bytes(answer)
            except RuntimeError as problem:
                log.info("native Redis client: %s", problem)
                self._native_again_at = time.monotonic() + NATIVE_PAUSE
        if self._replicas:
            return await self._replicated(script, move)
        return await script(keys=self.keys, args=list(move.arguments))

    async def _replicated(self, script: AsyncScript, move: "Move[Any]") -> Any:
        pipeline = self.client.pipeline(transaction=False)
        await script(keys=self.keys, args=list(move.arguments), client=pipeline)
        pipeline.wait(self._replicas, REPLICAS_MS)
        answer, count = await pipeline.execute()
        require_replicas(count, self._replicas)
        return answer

    def _script(self, name: str) -> AsyncScript:
        if name not in self._scripts:
            self._scripts[name] = self.client.register_script(SCRIPTS[name])
        return self._scripts[name]


def replicas_of(client: "redis.Redis | redis.asyncio.Redis") -> int:
    """How many replicas must have what this client changes."""
    watched: Watched | None = client.connection_pool.connection_kwargs.get("watched")
    return watched.replicas if watched else 0


def require_replicas(count: int, wanted: int) -> None:
    """Raise, as when an answer was lost, if too few have the change."""
    if count < wanted:
        raise RedisConnectionError(f"on {count} replicas, {wanted} must have it")


def as_bytes(answer: Any) -> Any:
    """An answer of the native client as redis-py would give it."""
    if isinstance(answer, str):
        return answer.encode()
    return [as_bytes(item) for item in answer] if isinstance(answer, list) else answer


async def in_time[A](answer: Awaitable[A]) -> A:
    """What Redis answers, within a second. Raises ``StoreUnavailable``."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return await answer
    except RedisError as problem:
        raise StoreUnavailable(reason(problem)) from problem
    except TimeoutError as problem:
        raise StoreUnavailable("Redis does not answer") from problem


def is_away(problem: RedisError) -> bool:
    """Whether the same command may work in a while."""
    return isinstance(problem, AWAY) or str(problem).startswith(NOT_NOW)


def reason(problem: RedisError) -> str:
    """What to tell the caller, without addresses or passwords."""
    if isinstance(problem, OutOfMemoryError):
        return "Redis is full and takes no new jobs"
    if isinstance(problem, AWAY):
        return "Redis cannot be reached"
    return f"Redis refused the command: {problem}"

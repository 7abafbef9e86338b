"""Runs commands on a Redis connection; the errors of redis-py come through.

Each thread keeps one connection: borrowing one from a pool takes twice as long.
"""

import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import (
    AuthenticationError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from project.errors import LoginRefused, StoreUnavailable
from project.store.commands.command import Command
from project.store.scripts import DIGESTS, SCRIPTS

type RedisClient = redis.Redis
CommandFailed = RedisError
"""redis-py's error of a command; with ``RedisClient`` for code outside this package."""

PREFIX = "continuo:"
EVENTS_KEPT = 10_000

REPLICAS_MS = 400
"""Milliseconds that replicas have to confirm a change."""

MISSING_PASSWORD = ("NOAUTH", "Authentication required", "already authenticated")
"""What Redis says when it asks for a password."""

TRY_AGAIN_REPLIES = ("MISCONF ", "NOREPLICAS ", "BUSY ", "MASTERDOWN ", "LATE ")
"""Prefixes of the errors with which Redis refuses what it will take later."""

UNAVAILABLE = (RedisConnectionError, RedisTimeoutError, ReadOnlyError)


def keys_of(events_kept: int = EVENTS_KEPT, *, other_broker: bool = False) -> list[str]:
    """The KEYS of every command; ``other_broker``: RabbitMQ carries the messages."""
    return [PREFIX, str(events_kept), "other broker" if other_broker else ""]


KEYS = keys_of()


class ThreadConnection(threading.local):
    """A connection that a thread keeps: to borrow one for each command takes twice as long.

    It belongs to no pool, so it ends with its thread.
    """

    pid = 0
    connection: Any = None
    is_busy = False
    sender = ""
    number = 0

    def taken_from(self, client: redis.Redis) -> Any:
        """The connection of this thread in this process."""
        if self.pid != os.getpid():
            self.connection = connect(client)
            self.pid = os.getpid()
            self.sender, self.number = f"{self.pid}.{secrets.token_hex(6)}", 0
        return self.connection

    def next_place(self) -> tuple[str, str]:
        """The name of this sender and the number of its next request."""
        self.number += 1
        return self.sender, str(self.number)


def connect(client: redis.Redis) -> Any:
    """A connection as the client makes them, which its pool does not count."""
    pool = client.connection_pool
    return pool.connection_class(**pool.connection_kwargs)


class CommandRunner:
    """Runs commands on a Redis client as they are: its errors come through.

    ``is_numbered``: Redis refuses what the network delivers late, after a newer request of the
    same thread.
    """

    def __init__(
        self, client: redis.Redis, keys: list[str] = KEYS, *, is_numbered: bool = False
    ) -> None:
        self.client = client
        self.keys = keys
        self.is_numbered = is_numbered
        self._thread = ThreadConnection()
        self._replicas = replicas_of(client)

    def run[T](self, command: Command[T]) -> T:
        """Do the command. Raises ``redis.RedisError``."""
        if self._thread.is_busy:  # a signal handler, in the middle of another command
            return command.read(self._ask(command, connect(self.client)))
        self._thread.is_busy = True
        try:
            connection = self._thread.taken_from(self.client)
            place = self._thread.next_place() if self.is_numbered else ()
            return command.read(self._ask(command, connection, place))
        finally:
            self._thread.is_busy = False

    def reconnect(self) -> None:
        """Leave this thread's connection: the next command makes a new one."""
        self._thread.taken_from(self.client).disconnect()

    def _ask(self, command: Command[Any], connection: Any, place: Sequence[str] = ()) -> Any:
        try:
            self.send(command, connection, place)
            return self.receive(command, connection, place)
        except ReadOnlyError:
            connection.disconnect()  # another server may answer to the name by now
            raise
        except ResponseError:
            raise
        except BaseException:  # a signal: no later command may read the answer
            connection.disconnect()
            raise

    def send(self, command: Command[Any], connection: Any, place: Sequence[str] = ()) -> None:
        """Ask for the command, without waiting for the answer."""
        self._send(connection, "EVALSHA", DIGESTS[command.script], command, place)

    def receive(self, command: Command[Any], connection: Any, place: Sequence[str] = ()) -> Any:
        """The answer; a script that Redis has lost is sent again."""
        try:
            return self._read(connection)
        except NoScriptError:
            self._send(connection, "EVAL", SCRIPTS[command.script], command, place)
            return self._read(connection)

    def _send(
        self, connection: Any, verb: str, script: str, command: Command[Any], place: Sequence[str]
    ) -> None:
        connection.send_command(verb, script, *self._rest(command, place))
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

    def _rest(self, command: Command[Any], place: Sequence[str]) -> Iterator[str | bytes]:
        """As text: hiredis crashes when a signal comes while it makes text of a number."""
        keys = (*self.keys, *place)
        for argument in (len(keys), *keys, *command.arguments):
            yield argument if isinstance(argument, bytes) else str(argument)


def replicas_of(client: "redis.Redis | redis.asyncio.Redis") -> int:
    """How many replicas must have what this client changes."""
    watched = client.connection_pool.connection_kwargs.get("watched")
    return watched.replicas if watched else 0


def require_replicas(count: int, wanted: int) -> None:
    """Raise, as when an answer was lost, if too few have the change."""
    if count < wanted:
        raise RedisConnectionError(f"on {count} replicas, {wanted} must have it")


def is_unavailable(problem: RedisError) -> bool:
    """Whether the same command may work in a while."""
    return isinstance(problem, UNAVAILABLE) or str(problem).startswith(TRY_AGAIN_REPLIES)


def build_unavailable(problem: RedisError) -> StoreUnavailable:
    """The error for the caller of a command, without addresses or passwords."""
    if isinstance(problem, AuthenticationError):
        return LoginRefused(f"Redis {explain_login(str(problem))}")
    return StoreUnavailable(reason(problem))


def explain_login(text: str) -> str:
    """What Redis says of a login, in our words."""
    if any(word in text for word in MISSING_PASSWORD):
        return "asks for a password, and REDIS_URL has none"
    return "does not accept the user and password of REDIS_URL"


def reason(problem: RedisError) -> str:
    """What to tell the caller, without addresses or passwords."""
    if isinstance(problem, OutOfMemoryError):
        return "Redis is full and takes no new jobs"
    if isinstance(problem, UNAVAILABLE):
        return "Redis cannot be reached"
    return f"Redis refused the command: {problem}"

"""``Store`` runs commands on Redis and blocks; ``AsyncStore`` is awaited.

Neither hangs: every command has a timeout. ``patience`` is how long a store keeps trying while
Redis is unavailable: a worker waits for its return so that no result is lost, the API answers
503 at once.
"""

import time
from collections.abc import Callable
from functools import partial
from itertools import chain, repeat

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from project.store.commands.command import Command
from project.store.connection import KEYS, CommandRunner, build_unavailable, connect, is_unavailable
from project.store.sentinel import redis_options

COMMAND_TIMEOUT_SECONDS = 2.5
RETRY_SECONDS = 0.25


class Store:
    """Runs commands from ordinary code. Safe to share between threads and across a fork.

    ``patience``: seconds to go on trying while Redis cannot be reached.
    ``timeout``: seconds a single command may take. ``keys``: where messages are.
    """

    def __init__(
        self,
        url: str,
        *,
        keys: list[str] = KEYS,
        patience: float = 0.0,
        timeout: float = COMMAND_TIMEOUT_SECONDS,
    ) -> None:
        self.patience = patience
        self.client = redis.Redis.from_url(
            **redis_options(url),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
        )
        self._runner = CommandRunner(self.client, keys)

    def run[T](self, command: Command[T]) -> T:
        """Do the command. Raises ``StoreUnavailable`` when Redis did not take it."""
        return self._patiently(lambda: self._runner.run(command))

    def begin[T](self, command: Command[T]) -> Callable[[], T]:
        """Ask for the command; what comes back is to be called once, and waits for the answer.

        When the connection is lost the command is run again: asked twice it happens once.
        """
        connection = connect(self.client)
        try:
            self._runner.send(command, connection)
        except RedisError:
            return partial(self.run, command)

        def finish() -> T:
            try:
                return command.read(self._runner.receive(command, connection))
            except RedisError as problem:
                if is_unavailable(problem):
                    return self.run(command)
                raise build_unavailable(problem) from problem
            finally:
                connection.disconnect()

        return finish

    def number_requests(self) -> None:
        """From now on let Redis refuse what the network delivers late; for workers."""
        self._runner.is_numbered = True

    def ping(self) -> None:
        """Raise ``StoreUnavailable`` unless Redis answers."""
        self._patiently(self.client.ping)

    def reconnect(self) -> None:
        """Leave connections that may have gone silent: the next command makes a new one."""
        self._runner.reconnect()
        self.client.connection_pool.disconnect()

    def close(self) -> None:
        """Give the connections back, that of this thread too."""
        self._runner.reconnect()
        self.client.close()

    def _patiently[A](self, command: Callable[[], A]) -> A:
        give_up_at = time.monotonic() + self.patience
        for pause in chain(
            [0.0], repeat(RETRY_SECONDS)
        ):  # at once at first: the connection may be old
            try:
                return command()
            except RedisError as problem:
                left = give_up_at - time.monotonic()
                if not is_unavailable(problem) or (pause and left <= 0):
                    raise build_unavailable(problem) from problem
                time.sleep(max(min(pause, left), 0.0))
        raise AssertionError

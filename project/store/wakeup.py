"""How an idle pool process waits: with BRPOP on the wakeup lists of its queues."""

import select
from collections.abc import Sequence
from typing import Any

import redis
from redis.exceptions import RedisError

from project.store.connection import PREFIX, connect

MIN_SECONDS = 0.001
"""The shortest wait."""

PAUSE_SECONDS = 0.25
"""Seconds to wait when Redis cannot be reached."""


class Wakeup:
    """Waits on a connection of its own."""

    def __init__(self, client: redis.Redis) -> None:
        self._connection = connect(client)
        self._queues: tuple[str, ...] = ()

    def wait(self, queues: Sequence[str], seconds: int, pipe: int, sooner: float) -> None:
        """Until one of ``queues`` may have a message, ``pipe`` is readable, or the time is over.

        Redis ends the wait after ``seconds``, late by as much as a tenth of a second. A wait of
        less than that, ``sooner``, is ended here.
        """
        try:
            self._listen(tuple(queues), seconds)
            socket = socket_of(self._connection)
            is_short = sooner < seconds
            limit = max(sooner, MIN_SECONDS) if is_short else seconds + 1
            ready, _, _ = select.select([socket, pipe], [], [], limit)
            if socket in ready:
                self._queues = ()
                self._connection.read_response()
            elif is_short and pipe not in ready:
                self.close()  # or else it would keep the next wakeup from the other processes
        except (RedisError, OSError, ValueError):
            self.close()
            select.select([pipe], [], [], PAUSE_SECONDS)

    def close(self) -> None:
        """Wait no more; Redis forgets that this process waits."""
        self._queues = ()
        self._connection.disconnect()

    def _listen(self, queues: tuple[str, ...], seconds: int) -> None:
        if self._queues == queues:
            return  # an earlier wait was cut short by the pipe: Redis still knows of it
        if self._queues:
            self.close()
        keys = [f"{PREFIX}wakeup:{queue}" for queue in queues]
        self._connection.send_command("BRPOP", *keys, str(seconds))
        self._queues = queues


def socket_of(connection: Any) -> Any:
    """The socket of a redis-py connection, to wait on it beside a pipe: a private part of it."""
    if connection._sock is None:  # noqa: SLF001
        connection.connect()
    return connection._sock  # noqa: SLF001

"""Graceful shutdown: requests in flight are counted and waited for.

Cello's own graceful stop takes its full 30 s after a client has disconnected in the middle of a
request, so this module counts by itself. All methods belong to the event loop; other threads may
read only ``is_draining``.
"""

import asyncio
import os
import socket
import sys
from pathlib import Path

SETTLE_SECONDS = 0.1
"""Seconds to send the last answers and to read from connections already accepted."""


class Drain:
    """Counts requests in flight. ``started`` is set when the shutdown begins.

    A handler that waits, such as a long poll, should also wait for ``started`` and then answer with
    what it has.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self.started = asyncio.Event()
        self._idle = asyncio.Event()

    @property
    def is_draining(self) -> bool:
        """Whether the shutdown has begun."""
        return self.started.is_set()

    def enter(self) -> None:
        """Count a request that arrived."""
        self.in_flight += 1

    def leave(self) -> None:
        """Count a request whose answer is built."""
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()

    async def run(self, seconds: float, port: int) -> int:
        """Shut down within ``seconds``; return the number of requests that did not finish.

        During the first half all requests are still served, so that a load balancer sees the
        readiness change. Then ``port`` is closed to new connections.
        """
        self.started.set()
        await self._wait_until_idle(seconds / 2)
        close_listener(port)
        await asyncio.sleep(SETTLE_SECONDS)
        await self._wait_until_idle(seconds / 2)
        await asyncio.sleep(SETTLE_SECONDS)
        return self.in_flight

    async def _wait_until_idle(self, seconds: float) -> None:
        self._idle.clear()
        if not self.in_flight:
            return
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return


def close_listener(port: int) -> None:
    """Close the TCP socket of this process that listens on ``port``.

    Cello gives no access to its socket and spins when the socket is shut down, so an anonymous
    listening socket takes over the file descriptor. Linux only; elsewhere the socket stays open
    until the process ends.
    """
    if sys.platform != "linux":
        return
    for descriptor in _list_descriptors():
        if _is_listener(descriptor, port):
            _replace_listener(descriptor)


def _list_descriptors() -> list[int]:
    return [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]


def _is_listener(descriptor: int, port: int) -> bool:
    try:
        duplicate = socket.socket(fileno=os.dup(descriptor))
    except OSError:
        return False
    with duplicate:
        if duplicate.family not in {socket.AF_INET, socket.AF_INET6}:
            return False
        listening = duplicate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        return bool(listening) and duplicate.getsockname()[1] == port


def _replace_listener(descriptor: int) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.settimeout(0)
        silent.bind("")  # Linux picks an abstract name
        silent.listen(0)
        os.dup2(silent.fileno(), descriptor, inheritable=False)

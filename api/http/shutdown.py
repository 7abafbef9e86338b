"""How much is being answered, and whether this process is on its way out.

Cello's own graceful stop waits its full 30 s after any client hung up in the
middle of a request; this one counts for itself. All methods belong to the
event loop; only ``draining`` may be read from another thread.
"""

import asyncio
import os
import socket
import sys
from pathlib import Path

SETTLE_SECONDS = 0.1
"""Time for the last answers to leave, and for accepted connections to be read."""


class Drain:
    """Requests in flight. ``begun`` is set when the process starts to leave.

    A handler that waits (a long poll) should wait for ``begun`` as well and
    then answer with what it has.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self.started = asyncio.Event()
        self._idle = asyncio.Event()

    @property
    def is_draining(self) -> bool:
        """Whether the process is on its way out."""
        return self.started.is_set()

    def enter(self) -> None:
        """A request arrived."""
        self.in_flight += 1

    def leave(self) -> None:
        """Its answer is made."""
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()

    async def run(self, seconds: float, port: int) -> int:
        """Leave in order within ``seconds``; the number of requests that did not finish.

        First everything is still served, so that a load balancer can see the
        readiness change; then ``port`` is closed to new connections.
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

    Cello keeps its socket to itself and spins when it is shut down, so another
    listening socket, which nobody knows, is put under its file descriptor.
    Linux only; elsewhere the socket stays open until the process ends.
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

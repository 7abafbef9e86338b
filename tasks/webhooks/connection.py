"""A connection that ends at its deadline and takes in only so much."""

import io
import socket
import ssl
from functools import cache
from typing import TYPE_CHECKING

from tasks.webhooks import guard
from tasks.webhooks.deadline import Deadline
from tasks.webhooks.guard import CallTarget

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_READ_BYTES = 65_536
"""Bytes that are read from a connection, headers and all; the rest is never fetched."""


class ResponseTooLarge(Exception):
    """``MAX_READ_BYTES`` bytes were read and there is more."""


class DeadlineSocket(io.RawIOBase):
    """A connected socket. Every step of it ends at the same deadline with ``TimeoutError``."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline
        self._room = MAX_READ_BYTES

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read what is there, 0 at the end. Raises ``ResponseTooLarge``."""
        if not self._room:
            raise ResponseTooLarge
        self._socket.settimeout(self._deadline.left())
        count = self._socket.recv_into(memoryview(buffer)[: self._room])
        self._room -= count
        return count

    def send(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(self._deadline.left())
            rest = rest[self._socket.send(rest) :]

    def makefile(self, _: str) -> io.BufferedReader:
        """What ``http.client`` reads an answer from."""
        return io.BufferedReader(self)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
        super().close()


def dial(target: CallTarget, deadline: Deadline) -> DeadlineSocket:
    """A connection to the target, its certificate checked when it is https.

    Raises ``PermanentError`` as ``guard.addresses`` does, and ``OSError``.
    """
    connected = _connect(guard.look_up_addresses(target, deadline), target.port, deadline)
    if target.scheme == "https":
        connected.settimeout(deadline.left())
        connected = build_tls_context().wrap_socket(connected, server_hostname=target.host)
    return DeadlineSocket(connected, deadline)


@cache
def build_tls_context() -> ssl.SSLContext:
    """How certificates are checked; made once per process, as it reads all authorities."""
    return ssl.create_default_context()


def _connect(addresses: list[str], port: int, deadline: Deadline) -> socket.socket:
    """A connection to the first address that takes one; each gets its share of the time."""
    problem = OSError("no address")
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            return socket.create_connection((address, port), deadline.left() / left)
        except OSError as error:
            problem = error
    raise problem

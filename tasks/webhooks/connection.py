"""A TCP or TLS connection with a deadline and a limit on the bytes it reads."""

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
"""Maximum of bytes to read from a connection, headers included."""


class ResponseTooLarge(Exception):
    """The response is longer than ``MAX_READ_BYTES``."""


class DeadlineSocket(io.RawIOBase):
    """A connected socket. Every operation raises ``TimeoutError`` at the same deadline."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline
        self._room = MAX_READ_BYTES

    def readable(self) -> bool:
        """Return True, as ``io.BufferedReader`` requires."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read the available bytes; return their number, 0 at the end.

        Raises ``ResponseTooLarge``, ``TimeoutError`` and ``OSError``.
        """
        if not self._room:
            raise ResponseTooLarge
        self._socket.settimeout(self._deadline.seconds_left())
        count = self._socket.recv_into(memoryview(buffer)[: self._room])
        self._room -= count
        return count

    def send(self, data: bytes) -> None:
        """Send all bytes. Raises ``TimeoutError`` and ``OSError``."""
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(self._deadline.seconds_left())
            rest = rest[self._socket.send(rest) :]

    def makefile(self, _: str) -> io.BufferedReader:
        """Return the reader that ``http.client`` reads a response from."""
        return io.BufferedReader(self)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()


def dial(target: CallTarget, deadline: Deadline) -> DeadlineSocket:
    """Connect to the target; for https, verify its certificate.

    Raises ``PermanentError`` when an address is not allowed, ``TimeoutError`` and ``OSError``.
    """
    connected = _connect(guard.look_up_addresses(target, deadline), target.port, deadline)
    if target.scheme == "https":
        connected.settimeout(deadline.seconds_left())
        connected = build_tls_context().wrap_socket(connected, server_hostname=target.host)
    return DeadlineSocket(connected, deadline)


@cache
def build_tls_context() -> ssl.SSLContext:
    """Return the TLS context. It loads all certificate authorities, so it is built once."""
    return ssl.create_default_context()


def _connect(addresses: list[str], port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first address that accepts; each gets an equal share of the time left."""
    last_error = OSError("the host has no address")
    for count, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            return socket.create_connection((address, port), deadline.seconds_left() / count)
        except OSError as error:
            last_error = error
    raise last_error

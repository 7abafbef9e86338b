"""SMTP clients that read a reply of at most ``MAX_REPLY_BYTES``, within the timeout of the socket.

``smtplib`` allows each line of a reply that time, each byte of it, and any number of lines.
"""

import io
import smtplib
import socket
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_REPLY_BYTES = 65_536


class ReplyStream(io.RawIOBase):
    """Reads a socket, for each reply until a deadline and up to a number of bytes."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._end = 0.0
        self._room = 0

    def begin_reply(self, seconds: float) -> None:
        """Allow the next reply this time, and ``MAX_REPLY_BYTES``."""
        self._end = monotonic() + seconds
        self._room = MAX_REPLY_BYTES

    def readable(self) -> bool:
        """Return True, as ``io.BufferedReader`` requires."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read what is there. Raises ``OSError``: ``TimeoutError``, or a reply that is too long."""
        if not self._room:
            raise OSError(f"the reply is longer than {MAX_REPLY_BYTES} bytes")
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left)
        count = self._socket.recv_into(memoryview(buffer)[: self._room])
        self._room -= count
        return count


class BoundedReplies(smtplib.SMTP):
    """Bounds the replies of the class beside it."""

    _replies: ReplyStream | None = None
    _of: socket.socket | None = None

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply. Raises ``SMTPServerDisconnected`` beyond its bounds."""
        connected = self.sock
        if connected is None:
            raise smtplib.SMTPServerDisconnected("there is no connection")
        if self.file is None or self._of is not connected or self._replies is None:
            self._replies, self._of = ReplyStream(connected), connected
            self.file = io.BufferedReader(self._replies)
        seconds = connected.gettimeout() or 0.0
        self._replies.begin_reply(seconds)
        try:
            return super().getreply()
        finally:
            if self.sock is connected:
                connected.settimeout(seconds)


class PlainClient(BoundedReplies):
    """A client without encryption, or with STARTTLS."""


class TlsClient(BoundedReplies, smtplib.SMTP_SSL):
    """A client with TLS from the start."""

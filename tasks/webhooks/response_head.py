"""Reads the head of a response before ``http.client`` does, which takes only 100 headers.

Interim answers (1xx, such as 103 Early Hints) are skipped, and headers that nobody looks at are
left out. The bound is that of the connection: all bytes count.
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SWITCHING_PROTOCOLS = 101
"""The one status below 200 after which no other answer comes."""

FRAMING_HEADERS = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers that say where the body ends."""

END_OF_HEAD = frozenset({b"\r\n", b"\n", b""})


class FilteredStream(io.RawIOBase):
    """The stream of one response: its final status line, the headers of ``names``, and its body."""

    def __init__(self, stream: io.BufferedReader, names: frozenset[str]) -> None:
        self._stream = stream
        self._head = io.BytesIO(read_final_head(stream, names | FRAMING_HEADERS))

    def readable(self) -> bool:
        """Return True, as ``io.BufferedReader`` requires."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read from the head, then from the connection."""
        return self._head.readinto(buffer) or self._stream.readinto1(buffer)

    def makefile(self, _: str) -> io.BufferedReader:
        """Return the reader that ``http.client`` reads a response from."""
        return io.BufferedReader(self)


def read_final_head(stream: io.BufferedReader, names: frozenset[str]) -> bytes:
    """Read heads up to the first that is final; return its status line and the headers ``names``.

    Raises what the stream raises, ``ResponseTooLarge`` among it.
    """
    while True:
        status_line = stream.readline()
        lines = [*read_lines(stream)]
        if not is_interim(status_line):
            return b"".join([status_line, *select_headers(lines, names), b"\r\n"])


def read_lines(stream: io.BufferedReader) -> Iterator[bytes]:
    """Read the lines of a head, without the empty one at its end."""
    while (line := stream.readline()) not in END_OF_HEAD:
        yield line


def is_interim(status_line: bytes) -> bool:
    """Whether another answer follows this one."""
    parts = status_line.split(None, 2)
    status = parts[1] if len(parts) > 1 and parts[0].startswith(b"HTTP/") else b""
    return len(status) == 3 and status[:1] == b"1" and status != b"%d" % SWITCHING_PROTOCOLS  # noqa: PLR2004 - digits


def select_headers(lines: list[bytes], names: frozenset[str]) -> Iterator[bytes]:
    """Select the lines of some headers; a line that begins with a space continues the one above."""
    is_wanted = False
    for line in lines:
        if not line.startswith((b" ", b"\t")):
            name = line.partition(b":")[0].strip().lower().decode("latin-1")
            is_wanted = name in names
        if is_wanted:
            yield line

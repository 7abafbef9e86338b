"""Serves downloads of large files on FILES_PORT.

Cello copies a response several times and cannot stream it. Here the kernel copies from the file to
the connection, so memory does not grow with the size. A proxy may send all of ``/artifacts/``
here; without one, the API redirects clients.
"""

import io
import os
import selectors
import socket
import threading
from collections import Counter
from contextlib import suppress
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from api.http.problems import PROBLEM_JSON, Problem
from api.server.byte_ranges import RangeAnswer, select_range
from project.artifacts import links
from project.artifacts.links import Artifact, ArtifactGone
from project.errors import LinkExpired, LinkTampered
from project.settings.values import get_settings

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_CONNECTIONS = 256
"""Concurrent connections, one thread each; further ones wait in the system's queue."""
MAX_PER_ADDRESS = 64
"""Concurrent connections of one address, such as that of a proxy; more are answered with 429."""
HEAD_SECONDS = 10.0
"""Time for the whole head of a request."""
MAX_HEAD_BYTES = 16_384
IDLE_SECONDS = 30
"""A connection without any traffic for this long is closed."""
MIN_BYTES_PER_SECOND = 4_096
"""A download that is slower on average is cut off; it may be continued with a range."""
PIECE_BYTES = 1 << 20

TOO_MANY = (
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class HeadStream(io.RawIOBase):
    """Reads the head of a request from a socket, within ``HEAD_SECONDS`` and ``MAX_HEAD_BYTES``."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._end = monotonic() + HEAD_SECONDS
        self._room = MAX_HEAD_BYTES

    def readable(self) -> bool:
        """Return True, as ``io.BufferedReader`` requires."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Read what is there. Raises ``OSError`` when the head is late or too large."""
        left = self._end - monotonic()
        if left <= 0 or not self._room:
            raise TimeoutError
        self._socket.settimeout(left)
        count = self._socket.recv_into(memoryview(buffer)[: self._room])
        self._room -= count
        return count


class FileServer(ThreadingHTTPServer):
    """Accepts at most ``MAX_CONNECTIONS`` at once, of one address ``MAX_PER_ADDRESS``.

    ``addresses`` counts the connections of each address.
    """

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_port = True  # like the API: several processes share a port

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.addresses: Counter[str] = Counter()
        self._sources: dict[int, str] = {}
        self._counting = threading.Lock()
        super().__init__((host, port), DownloadHandler)

    def get_request(self) -> tuple[socket.socket, object]:
        """Wait for a free slot, then return the next connection."""
        self._slots.acquire()
        try:
            connected, address = super().get_request()
        except OSError:
            self._slots.release()
            raise
        with self._counting:
            self.addresses[address[0]] += 1
            self._sources[connected.fileno()] = address[0]
        return connected, address

    def verify_request(self, request: object, client_address: object) -> bool:
        """Refuse a connection of an address that has too many."""
        connected = cast("socket.socket", request)
        if self.addresses[self._sources[connected.fileno()]] <= MAX_PER_ADDRESS:
            return True
        with suppress(OSError):
            connected.settimeout(0)
            connected.send(TOO_MANY)
        return False

    def shutdown_request(self, request: object) -> None:
        """Close a connection and free its slot."""
        connected = cast("socket.socket", request)
        with self._counting:
            address = self._sources.pop(connected.fileno())
            self.addresses[address] -= 1
            if not self.addresses[address]:
                del self.addresses[address]
        super().shutdown_request(connected)
        self._slots.release()

    def handle_error(self, *_: object) -> None:
        """Log nothing: a client that disconnects is not an error."""


class DownloadHandler(BaseHTTPRequestHandler):
    """Answers one request for ``/artifacts/{token}``, then closes the connection."""

    protocol_version = "HTTP/1.1"
    server_version = "Continuo"
    sys_version = ""
    timeout = IDLE_SECONDS

    def setup(self) -> None:
        """Prepare to read the head of a request, and nothing else."""
        super().setup()
        self.rfile = io.BufferedReader(HeadStream(self.connection))

    def do_GET(self) -> None:
        """Send the file, the requested range of it, or a problem document."""
        self.connection.settimeout(IDLE_SECONDS)
        try:
            artifact = resolve_path(urlsplit(self.path).path)
            file = require_local_file(artifact)
            piece = select_range(artifact, file.stat().st_size, self._header)
        except Problem as problem:
            self._refuse(problem)
            return
        self._send(artifact, file, piece)

    do_HEAD = do_GET  # noqa: N815 - the standard library's name

    def _header(self, name: str) -> str:
        return self.headers.get(name, "")

    def _send(self, artifact: Artifact, file: Path, piece: RangeAnswer) -> None:
        self._send_head(piece.status, piece.headers)
        if piece.status == HTTPStatus.NOT_MODIFIED:
            self.end_headers()
            return
        self.send_header("Content-Type", artifact.content_type)
        self.send_header("Content-Length", str(piece.length))
        self.end_headers()
        if self.command == "GET":
            with file.open("rb") as content:
                send_file(self.connection, content, piece)

    def _refuse(self, problem: Problem) -> None:
        body = problem.encode(self.path, "").encode()
        self._send_head(problem.status, problem.headers)
        self.send_header("Content-Type", PROBLEM_JSON)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _send_head(self, status: int, headers: object) -> None:
        self.close_connection = True
        self.send_response(status)
        for name, value in dict(headers).items():  # type: ignore[call-overload]
            self.send_header(name, value)
        self.send_header("Connection", "close")

    def log_message(self, *_: object) -> None:
        """Log nothing: the API has logged the request before it redirected the client."""


def send_file(connected: socket.socket, content: BinaryIO, piece: RangeAnswer) -> None:
    """Let the kernel send a part of a file. Raises ``OSError`` for a client that is too slow."""
    end = monotonic() + IDLE_SECONDS + piece.length / MIN_BYTES_PER_SECOND
    place, stop = piece.start, piece.start + piece.length
    connected.settimeout(0)
    with selectors.DefaultSelector() as selector:
        selector.register(connected, selectors.EVENT_WRITE)
        while place < stop:
            patience = min(IDLE_SECONDS, end - monotonic())
            if patience <= 0 or not selector.select(patience):
                raise TimeoutError
            count = min(stop - place, PIECE_BYTES)
            sent = os.sendfile(connected.fileno(), content.fileno(), place, count)
            if not sent:
                return  # the file is shorter than it was
            place += sent


def resolve_path(path: str) -> Artifact:
    """Return the artifact of a path. Raises ``Problem``."""
    place, _, token = path.rpartition("/")
    if not place.endswith("/artifacts"):
        raise Problem(404, f"There is nothing at {path}")
    return resolve_token(unquote(token))


def resolve_token(token: str) -> Artifact:
    """Return the artifact of a token. Raises ``Problem``: 403 if tampered with, 410 if expired."""
    try:
        return links.resolve_link(token)
    except LinkTampered as refused:
        raise Problem(403, str(refused)) from refused
    except LinkExpired as refused:
        raise Problem(410, str(refused)) from refused


def require_local_file(artifact: Artifact) -> Path:
    """Return the local file. Raises ``Problem`` 404."""
    place = locate_file(artifact, "GET")
    if isinstance(place, str):
        raise Problem(404, "Files are in a bucket; request this link from the API")
    return place


def locate_file(artifact: Artifact, method: str) -> Path | str:
    """Return the local file or a presigned URL. Raises ``Problem`` 404 when it was removed."""
    try:
        return links.locate(artifact, method)
    except ArtifactGone as gone:
        raise Problem(404, str(gone)) from gone


@lru_cache
def start_file_server() -> str:
    """Start the file server at the first call. Returns its URL, without a slash at the end."""
    settings = get_settings()
    server = FileServer(settings.host, settings.files_port)
    threading.Thread(target=server.serve_forever, name="files", daemon=True).start()
    if settings.files_url:
        return settings.files_url
    host = urlsplit(settings.base_url).hostname or settings.host
    bracketed = f"[{host}]" if ":" in host else host
    return f"http://{bracketed}:{server.server_port}"

"""Serves downloads of large files on FILES_PORT.

Cello copies a response several times and cannot stream it. Here the kernel copies from the file to
the connection, so memory does not grow with the size. A proxy may send all of ``/artifacts/``
here; without one, the API redirects clients.
"""

import socket
import threading
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from api.http.problems import PROBLEM_JSON, Problem
from api.server.byte_ranges import RangeAnswer, select_range
from project.artifacts import links
from project.artifacts.links import Artifact, ArtifactGone
from project.errors import LinkExpired, LinkTampered
from project.settings.values import get_settings

MAX_DOWNLOADS = 64
"""Concurrent downloads, one thread each; further connections wait in the system's queue."""
IDLE_SECONDS = 30
"""A connection without any traffic for this long is closed."""


class FileServer(ThreadingHTTPServer):
    """Accepts at most ``MAX_DOWNLOADS`` connections at once."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_port = True  # like the API: several processes share a port

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._slots = threading.BoundedSemaphore(MAX_DOWNLOADS)
        super().__init__((host, port), DownloadHandler)

    def get_request(self) -> tuple[socket.socket, object]:
        """Wait for a free slot, then return the next connection."""
        self._slots.acquire()
        try:
            return super().get_request()
        except OSError:
            self._slots.release()
            raise

    def shutdown_request(self, request: object) -> None:
        """Close a connection and free its slot."""
        super().shutdown_request(request)  # type: ignore[arg-type]
        self._slots.release()

    def handle_error(self, *_: object) -> None:
        """Log nothing: a client that disconnects is not an error."""


class DownloadHandler(BaseHTTPRequestHandler):
    """Answers one request for ``/artifacts/{token}``, then closes the connection."""

    protocol_version = "HTTP/1.1"
    server_version = "Continuo"
    sys_version = ""
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """Send the file, the requested range of it, or a problem document."""
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
                self.connection.sendfile(content, piece.start, piece.length)

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

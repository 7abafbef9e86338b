"""Downloads of large files, on a port of their own.

Cello copies an answer several times before it sends it and cannot send a part of it. Here
the kernel copies from the file to the connection: memory stays what it is, whatever the size.
A proxy in front may lead all of ``/artifacts/`` here; else the API sends clients on.
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
"""Downloads at once, each in a thread; one more waits in the system's queue."""
IDLE_SECONDS = 30
"""A client that neither sends nor takes anything for so long is cut off."""


class FileServer(ThreadingHTTPServer):
    """Takes as many connections as it has places."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_port = True  # as the API itself: several processes share a port

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._places = threading.BoundedSemaphore(MAX_DOWNLOADS)
        super().__init__((host, port), DownloadHandler)

    def get_request(self) -> tuple[socket.socket, object]:
        """The next connection, when there is a place for it."""
        self._places.acquire()
        try:
            return super().get_request()
        except OSError:
            self._places.release()
            raise

    def shutdown_request(self, request: object) -> None:
        """End a connection and free its place."""
        super().shutdown_request(request)  # type: ignore[arg-type]
        self._places.release()

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client that left is no fault of ours."""


class DownloadHandler(BaseHTTPRequestHandler):
    """One request for ``/artifacts/{token}``, then the end of the connection."""

    protocol_version = "HTTP/1.1"
    server_version = "Continuo"
    sys_version = ""
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """Send the file, the part of it that is wanted, or the problem."""
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
        """Say nothing: the API has noted the request that was sent on to here."""


def resolve_path(path: str) -> Artifact:
    """The artifact that a path leads to, or a problem."""
    place, _, token = path.rpartition("/")
    if not place.endswith("/artifacts"):
        raise Problem(404, f"There is nothing at {path}")
    return resolve_token(unquote(token))


def resolve_token(token: str) -> Artifact:
    """The artifact, or a problem: 403 for a link that is not ours, 410 for an old one."""
    try:
        return links.resolve_link(token)
    except LinkTampered as refused:
        raise Problem(403, str(refused)) from refused
    except LinkExpired as refused:
        raise Problem(410, str(refused)) from refused


def require_local_file(artifact: Artifact) -> Path:
    """The local file, or a problem: 404 when it is not there."""
    place = locate_file(artifact, "GET")
    if isinstance(place, str):
        raise Problem(404, "Files are in a bucket; ask the API for this link")
    return place


def locate_file(artifact: Artifact, method: str) -> Path | str:
    """The local file or the URL of a bucket, or a problem: 404 when it is gone."""
    try:
        return links.locate(artifact, method)
    except ArtifactGone as gone:
        raise Problem(404, str(gone)) from gone


@lru_cache
def start_file_server() -> str:
    """Where large files are had, no slash at the end; a server is there from the first call on."""
    given = get_settings()
    server = FileServer(given.host, given.files_port)
    threading.Thread(target=server.serve_forever, name="files", daemon=True).start()
    if given.files_url:
        return given.files_url
    host = urlsplit(given.base_url).hostname or given.host
    bracketed = f"[{host}]" if ":" in host else host
    return f"http://{bracketed}:{server.server_port}"

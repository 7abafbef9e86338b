"""Run Debian's Chromium headless on a page that the test serves.

The page reports what it saw with a POST to the server it came from. Nothing drives the browser.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support.programs.processes import Program

CHROMIUM_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # the sandbox does not work for root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
)


class ServedPage:
    """A page with its server; ``reports`` holds the JSON bodies that the page has posted."""

    def __init__(self) -> None:
        self.html = ""
        self.reports: list[Any] = []
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(200, page.html.encode())

            def do_POST(self) -> None:
                page.reports.append(
                    json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                )
                self.answer(204, b"")

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def origin(self) -> str:
        """The base URL of the page."""
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def serve_page() -> Iterator[ServedPage]:
    """Serve an empty page on a free port; the test sets ``html``."""
    page = ServedPage()
    thread = Thread(target=page.server.serve_forever, daemon=True)
    thread.start()
    yield page
    page.server.shutdown()
    thread.join()
    page.server.server_close()


@contextmanager
def open_browser(page: ServedPage, folder: Path) -> Iterator[Program]:
    """Open the page in Chromium. Without Chromium the test is skipped, in CI it fails."""
    chromium = shutil.which("chromium")
    if chromium is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("chromium is not installed")
    options = (*CHROMIUM_OPTIONS, f"--user-data-dir={folder / 'profile'}")
    program = Program([chromium, *options, page.origin], folder / "chromium.log", {})
    yield program
    program.kill()

"""``python -m api`` as a process under test."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2

from tests.support.ports import find_free_port
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[3]
TIMEOUT_SECONDS = 20.0 * PATIENCE


def wait_until_reachable[T](look: Callable[[], T], patience: float = TIMEOUT_SECONDS) -> T:
    """The first true result of ``look``; refused connections count as "not yet"."""
    end, pause = monotonic() + patience, threading.Event()
    while monotonic() < end:
        with suppress(httpx2.TransportError):
            if found := look():
                return found
        pause.wait(0.01)
    raise AssertionError(f"waited {patience} s in vain")


def build_environment(port: int, **more: str) -> dict[str, str]:
    """The environment of a server on ``port`` that can import the tests' applications."""
    return os.environ | {"PORT": str(port), "PYTHONPATH": str(ROOT)} | more


class ApiProcess:
    """The API's supervisor; ``lines`` collects what it prints on stderr."""

    def __init__(self, popen: subprocess.Popen[str], port: int, host: str) -> None:
        self.popen = popen
        self.port = port
        self.base = f"http://{host}:{port}"
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stderr is not None
        self.lines.extend(line.rstrip("\n") for line in self.popen.stderr)

    def client(self, **options: Any) -> httpx2.Client:
        """A client that reuses one connection."""
        return httpx2.Client(
            base_url=self.base, timeout=TIMEOUT_SECONDS, trust_env=False, **options
        )

    def get(self, path: str, **options: Any) -> httpx2.Response:
        """GET over a new connection."""
        with self.client() as client:
            return client.get(path, **options)

    def post(self, path: str, **options: Any) -> httpx2.Response:
        """POST over a new connection."""
        with self.client() as client:
            return client.post(path, **options)

    def pid(self) -> int:
        """The process id of the server that answers this request."""
        return int(self.get("/pid").text)

    def is_refusing(self) -> bool:
        """Whether connections are refused."""
        try:
            self.get("/pid")
        except httpx2.ConnectError:
            return True
        return False

    def wait(self) -> int:
        """The exit code of the supervisor."""
        code = self.popen.wait(TIMEOUT_SECONDS)
        self._reader.join(TIMEOUT_SECONDS)
        return code

    def read_log_records(self) -> list[dict[str, Any]]:
        """The log records so far."""
        return [json.loads(line) for line in self.lines]


@contextmanager
def start_api(
    application: str = "tests.support.apps.http_app:build", **more: str
) -> Iterator[ApiProcess]:
    """Start a supervisor without waiting for its servers; killed if it does not stop by itself."""
    port = find_free_port()
    popen = subprocess.Popen(
        [sys.executable, "-m", "api", application],
        env=build_environment(port, **more),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    host = more.get("HOST", "127.0.0.1")
    process = ApiProcess(popen, port, f"[{host}]" if ":" in host else host)
    try:
        yield process
    finally:
        popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            popen.wait(TIMEOUT_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)  # whatever a failed test left behind
        process.wait()
        assert popen.stderr is not None
        popen.stderr.close()


@contextmanager
def serve_api(
    application: str = "tests.support.apps.http_app:build", **more: str
) -> Iterator[ApiProcess]:
    """Start a supervisor and wait until its servers answer."""
    with start_api(application, **more) as process:
        wait_until_reachable(process.pid)
        yield process

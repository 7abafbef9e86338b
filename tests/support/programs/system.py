"""The whole system, started like ``make up``."""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

import httpx2

from project.records.record import FINAL_STATUSES
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT, Program, find_pids_by_environment, list_children
from tests.support.waiting import PATIENCE, wait_until

START_TIMEOUT_SECONDS = 60.0
JOB_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 40.0
"""The time a worker may take to drain, and some more for the other processes."""


def is_api(pid: int) -> bool:
    """Whether the process is the API's supervisor."""
    with suppress(OSError):
        return b"-m\0api\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def is_valkey(pid: int) -> bool:
    """Whether the process is a Valkey server."""
    with suppress(OSError):
        return b"valkey-server" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


class System:
    """``python -m project.local.up`` on free ports and its own data folder; can be restarted."""

    def __init__(self, folder: Path, checkout: Path = ROOT) -> None:
        self.folder = folder
        self.checkout = checkout
        self.ports = {
            name: str(find_free_port())
            for name in ("PORT", "FLOWER_PORT", "VALKEY_PORT", "SMTP_PORT")
        }
        self.program: Program | None = None
        self.http = httpx2.Client(
            base_url=f"http://127.0.0.1:{self.ports['PORT']}",
            timeout=10 * PATIENCE,
            trust_env=False,
        )

    @property
    def redis_url(self) -> str:
        """The URL of the bundled Valkey."""
        return f"redis://127.0.0.1:{self.ports['VALKEY_PORT']}/0"

    def start(self, *options: str, **environment: str) -> None:
        """Start all processes and wait until the API answers and a worker is registered."""
        data = {"DATA_DIR": str(self.folder), "WORKER_CONCURRENCY": "2"}
        log = self.folder.with_suffix(".log")
        program = Program(
            [sys.executable, "-m", "project.local.up", *options],
            log,
            self.ports | data | environment,
            self.checkout,
        )
        self.program = program
        wait_until(lambda: self.is_ready() or not program.is_running, START_TIMEOUT_SECONDS)
        assert program.is_running, program.output

    def is_ready(self) -> bool:
        """Whether the API is ready and, if no key is needed to ask, a worker is registered."""
        with suppress(httpx2.TransportError):
            if self.http.get("/health/ready").status_code != 200:
                return False
            answer = self.http.get("/queue/stats")
            return answer.status_code == 401 or bool(answer.json()["worker_count"])
        return False

    def processes(self) -> list[int]:
        """The ids of all processes that use its data folder."""
        return find_pids_by_environment(f"DATA_DIR={self.folder}")

    def api(self) -> int:
        """The process id of the API's supervisor, or 0 while there is none."""
        assert self.program
        found = (pid for pid in list_children(self.program.pid) if is_api(pid))
        return next(found, 0)

    def valkey(self) -> int:
        """The process id of the bundled Valkey."""
        assert self.program
        return next(filter(is_valkey, list_children(self.program.pid)))

    def restart_api(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send the signal to the API's supervisor and wait until its successor is ready."""
        ended = self.api()
        os.kill(ended, number)
        wait_until(lambda: self.api() not in {0, ended} and self.is_ready(), START_TIMEOUT_SECONDS)

    def kill_api(self) -> None:
        """Kill the API's supervisor and its processes; the system starts them again."""
        supervisor = wait_until(self.api)  # never 0, which is every process of the group
        for pid in (supervisor, *list_children(supervisor)):
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """Stop the system with SIGTERM; returns the exit code."""
        assert self.program
        self.program.send(signal.SIGTERM)
        return self.program.wait(STOP_TIMEOUT_SECONDS)

    def order(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST an order, expect 202, and return the record."""
        answer = self.http.post(path, json=body)
        assert answer.status_code == 202, answer.text
        record: dict[str, Any] = answer.json()
        return record

    def record(self, path: str, job_id: str) -> dict[str, Any]:
        """GET the record of a job."""
        answer = self.http.get(f"{path}/{job_id}")
        assert answer.status_code == 200, answer.text
        record: dict[str, Any] = answer.json()
        return record

    def wait_until_final(self, path: str, job_id: str) -> dict[str, Any]:
        """Wait until the job has a final status; returns the record."""
        wait_until(
            lambda: self.record(path, job_id)["status"] in FINAL_STATUSES, JOB_TIMEOUT_SECONDS
        )
        return self.record(path, job_id)

    def stats(self) -> dict[str, Any]:
        """GET /queue/stats."""
        stats: dict[str, Any] = self.http.get("/queue/stats").json()
        return stats

    def close(self) -> None:
        """Stop the system and kill every process that still uses its data folder."""
        self.http.close()
        if self.program and self.program.is_running:
            with suppress(TimeoutExpired):
                self.stop()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.program:
            self.program.kill()

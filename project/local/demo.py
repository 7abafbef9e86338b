"""``python -m project.local.demo``: runs the whole system once and shows the results.

Starts ``project.local.up`` on free ports with its data in ``DATA_DIR/demo-run``. Orders a report
and a small e-mail blast over HTTP, waits for them, and prints their records and the places of the
PDF and the mails. Stops everything at the end.
"""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from project.records.record import FINAL_STATUSES
from project.settings.checks import run_program
from project.settings.environment import copy_environment
from project.settings.values import get_settings

START_SECONDS = 60.0
JOB_SECONDS = 60.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.2

REPORT = {"type": "monthly", "filters": {"department": "engineering", "month": "2026-05"}}
MAILING = {"recipients": ["ada@example.com", "grace@example.com"], "template": "welcome"}


NEXT_STEP = """
The system has stopped again, and with it the download_url above; the files stay.
Next: make up   (then open http://127.0.0.1:8000, or follow docs/tutorial.md)"""


class DemoFailed(Exception):
    """A step of the demo failed."""


def main() -> int:
    """Run the demo. Returns 0 when everything worked, else 1."""
    folder = get_settings().data_dir / "demo-run"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with run_system(folder) as port:
            report, blast = run_jobs(port)
            pdf = folder / "report.pdf"
            pdf.write_bytes(download(port, report["result"]["download_url"]))
    except DemoFailed as problem:
        print(f"demo: {problem}; the log is {folder / 'up.log'}", file=sys.stderr)  # noqa: T201
        return 1
    print_results(report, blast, pdf, folder / "outbox")
    return 0


def run_jobs(port: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Order a report and a blast, and wait for both. Returns their records."""
    print("ordering a report and an e-mail blast to two recipients ...")  # noqa: T201
    report, blast = submit_job(port, "/reports", REPORT), submit_job(port, "/emails", MAILING)
    return wait_for_success(port, "/reports", report), wait_for_success(port, "/emails", blast)


def print_results(report: dict[str, Any], blast: dict[str, Any], pdf: Path, outbox: Path) -> None:
    """Print the records, the path of the PDF and the folder of the mails."""
    for record in (report, blast):
        print(json.dumps(record, indent=2))  # noqa: T201
    print(f"report  {pdf}")  # noqa: T201
    print(f"mails   {outbox}")  # noqa: T201
    print(NEXT_STEP)  # noqa: T201


@contextlib.contextmanager
def run_system(folder: Path) -> Iterator[int]:
    """Run the whole system inside the block. Yields the port of its API."""
    port, *others = find_free_ports(4)
    names = ("FLOWER_PORT", "VALKEY_PORT", "SMTP_PORT")
    environment = copy_environment() | {
        **dict(zip(names, map(str, others), strict=True)),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "DATA_DIR": str(folder),
        "REDIS_URL": "",
        "BROKER_URL": "",
        "SMTP_URL": "",
        "PUBLIC_URL": "",
        "CONTINUO_API_KEYS": "",
    }
    print("starting Valkey, the API, a worker, beat, Flower and a mail sink ...")  # noqa: T201
    with (folder / "up.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "project.local.up"], env=environment, stdout=log, stderr=log
        )
        try:
            wait_until_ready(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait for the API and a worker. Raises ``DemoFailed``."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise DemoFailed("the system ended while starting")
        with contextlib.suppress(OSError, HTTPException):
            status, stats = request_json(port, "GET", "/queue/stats")
            if status == HTTPStatus.OK and stats["worker_count"]:
                return
        time.sleep(POLL_SECONDS)
    raise DemoFailed(f"the system was not ready within {START_SECONDS:.0f} s")


def submit_job(port: int, path: str, body: dict[str, Any]) -> str:
    """Order a job. Returns its id. Raises ``DemoFailed``."""
    status, record = request_json(port, "POST", path, body)
    if status != HTTPStatus.ACCEPTED:
        raise DemoFailed(f"POST {path} answered {status}: {record}")
    return str(record["id"])


def wait_for_success(port: int, path: str, job_id: str) -> dict[str, Any]:
    """Wait for a job and return its record. Raises ``DemoFailed`` unless it is a success."""
    end = time.monotonic() + JOB_SECONDS
    while time.monotonic() < end:
        _, record = request_json(port, "GET", f"{path}/{job_id}")
        if record["status"] == "success":
            return record
        if record["status"] in FINAL_STATUSES:
            raise DemoFailed(
                f"{path}/{job_id} ended with status {record['status']}: {record['error']}"
            )
        time.sleep(POLL_SECONDS)
    raise DemoFailed(f"{path}/{job_id} did not end within {JOB_SECONDS:.0f} s")


def request_json(
    port: int, method: str, path: str, body: dict[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    """Send a JSON request to the API. Returns status and body."""
    text = None if body is None else json.dumps(body)
    status, data = send_request(port, method, path, text)
    return status, json.loads(data)


def download(port: int, url: str) -> bytes:
    """Download the file of a link. Raises ``DemoFailed``."""
    status, data = send_request(port, "GET", urlsplit(url).path)
    if status != HTTPStatus.OK:
        raise DemoFailed(f"the download answered {status}")
    return data


def send_request(port: int, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    """Send an HTTP request to a port of this machine. Returns status and body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def find_free_ports(count: int) -> list[int]:
    """Find ports on which no program listens, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


if __name__ == "__main__":
    run_program("demo", main)

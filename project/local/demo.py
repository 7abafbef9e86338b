"""``python -m project.local.demo``: the whole system at work, once, from nothing to the results.

Starts ``project.local.up`` on free ports with its data in ``DATA_DIR/demo``, orders a
report and a small e-mail blast over HTTP, waits, shows the records and where
the PDF and the mails lie, and stops everything.
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
from project.settings.environment import copy_environment
from project.settings.values import get_settings

START_SECONDS = 60.0
JOB_SECONDS = 60.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.2

REPORT = {"type": "monthly", "filters": {"department": "engineering", "month": "2026-05"}}
MAILING = {"recipients": ["ada@example.com", "grace@example.com"], "template": "welcome"}


class DemoFailed(Exception):
    """Something did not come out as it should."""


def main() -> int:
    """Run the demonstration; 0 when everything worked."""
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
    """Order both jobs, then wait for both."""
    print("ordering a report and a blast to two recipients ...")  # noqa: T201
    report, blast = submit_job(port, "/reports", REPORT), submit_job(port, "/emails", MAILING)
    return wait_for_success(port, "/reports", report), wait_for_success(port, "/emails", blast)


def print_results(report: dict[str, Any], blast: dict[str, Any], pdf: Path, outbox: Path) -> None:
    """Show what came out."""
    for record in (report, blast):
        print(json.dumps(record, indent=2))  # noqa: T201
    print(f"report  {pdf}")  # noqa: T201
    print(f"mails   {outbox}")  # noqa: T201


@contextlib.contextmanager
def run_system(folder: Path) -> Iterator[int]:
    """The whole system, running; the port of its API."""
    port, *others = free_ports(4)
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
    """Return when API and worker are there."""
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
    """Order a job; its id."""
    status, record = request_json(port, "POST", path, body)
    if status != HTTPStatus.ACCEPTED:
        raise DemoFailed(f"POST {path} answered {status}: {record}")
    return str(record["id"])


def wait_for_success(port: int, path: str, job_id: str) -> dict[str, Any]:
    """The record once it is final; it must be a success."""
    end = time.monotonic() + JOB_SECONDS
    while time.monotonic() < end:
        _, record = request_json(port, "GET", f"{path}/{job_id}")
        if record["status"] == "success":
            return record
        if record["status"] in FINAL_STATUSES:
            raise DemoFailed(f"{path}/{job_id} ended as {record['status']}: {record['error']}")
        time.sleep(POLL_SECONDS)
    raise DemoFailed(f"{path}/{job_id} was not done within {JOB_SECONDS:.0f} s")


def request_json(
    port: int, method: str, path: str, body: dict[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    """One JSON request to the API: status and body."""
    text = None if body is None else json.dumps(body)
    status, data = send_request(port, method, path, text)
    return status, json.loads(data)


def download(port: int, url: str) -> bytes:
    """The bytes behind a download link."""
    status, data = send_request(port, "GET", urlsplit(url).path)
    if status != HTTPStatus.OK:
        raise DemoFailed(f"the download answered {status}")
    return data


def send_request(port: int, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    """One HTTP request to this machine."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


if __name__ == "__main__":
    sys.exit(main())

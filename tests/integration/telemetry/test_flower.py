"""Flower as the Procfile starts it: what it shows, whom it asks for a password, what it keeps."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from project.local import procfile
from project.local.valkey import EmbeddedValkey
from project.telemetry.flower_healthcheck import build_path
from project.telemetry.flower_setup import is_loopback
from tests.support.apps import kinds
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT, Program
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import PATIENCE, wait_until

LINE = shlex.split(procfile.read_commands(ROOT / "Procfile")["flower"])
PASSWORD = ("me", "secret-of-mine")
ONE = {"FLOWER_BASIC_AUTH": ":".join(PASSWORD)}
PAGES = ("/", "/workers", "/tasks", "/metrics", "/healthcheck")


class Flower(Program):
    """The line of the Procfile, in a folder and on a port of its own."""

    def __init__(self, folder: Path, url: str, **environment: str) -> None:
        self.port = find_free_port()
        about = {"FLOWER_PORT": str(self.port), "DATA_DIR": str(folder), "REDIS_URL": url}
        self.environment = about | environment
        command = [sys.executable, "-m", *LINE]
        super().__init__(command, folder / "flower.log", self.environment)

    def client(self, **options: object) -> httpx2.Client:
        base = f"http://127.0.0.1:{self.port}"
        return httpx2.Client(base_url=base, timeout=10, trust_env=False, **options)  # type: ignore[arg-type]

    def status(self, path: str, **options: object) -> int:
        with self.client(**options) as client, suppress(httpx2.TransportError):
            return client.get(path).status_code
        return 0

    def is_healthy(self) -> bool:
        """Whether the health check of the compose file says so."""
        checked = subprocess.run(
            [sys.executable, "-m", "project.telemetry.flower_healthcheck"],
            cwd=ROOT,
            env=os.environ | self.environment,
            capture_output=True,
            timeout=30 * PATIENCE,
            check=False,
        )
        return checked.returncode == 0


@contextmanager
def flower(folder: Path, url: str, **environment: str) -> Iterator[Flower]:
    """A Flower that answers."""
    program = Flower(folder, url, **environment)
    try:
        wait_until(lambda: program.status("/") or not program.is_running, 30)
        assert program.is_running, program.output
        yield program
    finally:
        program.kill()


def test_flower_shows_worker_and_jobs_and_keeps_them_over_a_restart(
    workers: Workers, inspector: JobInspector, valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    workers.start().ready()
    with flower(tmp_path, valkey.url, **ONE) as first, first.client(auth=PASSWORD) as client:
        wait_until(lambda: client.get("/workers?json=1").json()["data"])
        (worker,) = client.get("/workers?json=1").json()["data"]
        assert (worker["hostname"], worker["status"]) == ("w1@test", True)

        def job_is_shown() -> str:
            """Flower asks workers for events a moment after its start: an early job is unseen."""
            job_id = kinds.add.delay(1, 2).id
            inspector.wait_until_final(job_id)
            seen = client.get(f"/api/task/info/{job_id}")
            return job_id if seen.status_code == 200 and seen.json()["name"] else ""

        job_id = wait_until(job_is_shown, 30)
        told = wait_until(
            lambda: (
                (seen := client.get(f"/api/task/info/{job_id}").json())["state"] == "SUCCESS"
                and seen
            )
        )
        assert (told["name"], told["result"]) == ("tests.add", "3")
        first.send(signal.SIGTERM)
        first.wait()
    assert (tmp_path / "flower.db").exists()
    with flower(tmp_path, valkey.url, **ONE) as second, second.client(auth=PASSWORD) as client:
        assert client.get(f"/api/task/info/{job_id}").json()["name"] == "tests.add"


def test_every_page_asks_for_the_password_when_one_is_set(
    valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    with flower(tmp_path, valkey.url, FLOWER_ADDRESS="0.0.0.0", **ONE) as open_to_all:  # noqa: S104
        assert {page: open_to_all.status(page) for page in PAGES} == dict.fromkeys(PAGES, 401)
        assert open_to_all.status("/metrics", auth=("me", "guessed")) == 401
        assert {page: open_to_all.status(page, auth=PASSWORD) for page in PAGES} == dict.fromkeys(
            PAGES, 200
        )
        assert open_to_all.is_healthy()


def test_every_page_under_a_prefix_asks_for_the_password(
    valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    with flower(tmp_path, valkey.url, FLOWER_URL_PREFIX="flower", **ONE) as under:
        for page in PAGES:
            assert under.status(f"/flower{page}") == 401
            assert under.status(f"/flower{page}", auth=PASSWORD) == 200
        assert under.status("/metrics", auth=PASSWORD) == 404
        assert under.is_healthy()


def test_without_a_password_flower_listens_on_loopback_only(
    valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    with flower(tmp_path, valkey.url) as here:
        assert here.status("/metrics") == 200
        assert here.is_healthy()

        lines = Path("/proc/net/tcp").read_text().splitlines()
        listening = {fields[1] for fields in map(str.split, lines) if fields[3] == "0A"}
        assert f"0100007F:{here.port:04X}" in listening
        assert f"00000000:{here.port:04X}" not in listening


def test_without_a_password_flower_refuses_a_public_address(
    valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    refused = Flower(tmp_path, valkey.url, FLOWER_ADDRESS="0.0.0.0")  # noqa: S104 - that is the point
    try:
        assert refused.wait(30) == 1
        assert "FLOWER_BASIC_AUTH" in refused.output
        assert "Traceback" not in refused.output
        assert not refused.is_healthy()
    finally:
        refused.kill()


@pytest.mark.parametrize(
    ("address", "is_here"),
    [
        *[("127.0.0.1", True), ("::1", True), ("localhost", True)],
        *[("0.0.0.0", False), ("", False), ("::", False), ("10.0.0.1", False)],  # noqa: S104
        ("flower.example.com", False),
    ],
)
def test_only_loopback_addresses_count_as_local(address: str, is_here: bool) -> None:
    assert is_loopback(address) is is_here


@pytest.mark.parametrize("prefix", ["flower", "/flower", "flower/", "/flower/"])
def test_a_prefix_works_with_and_without_slashes(prefix: str) -> None:
    assert build_path(prefix) == "/flower/healthcheck"
    assert build_path("") == build_path(None) == "/healthcheck"

"""``make up`` says what is wrong before it starts anything."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from project.local.valkey import EmbeddedValkey
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System
from tests.support.waiting import PATIENCE, wait_until

NAMES = ("PORT", "FLOWER_PORT", "VALKEY_PORT", "SMTP_PORT", "FILES_PORT")


def run_up(folder: Path, **environment: str) -> tuple[int, str]:
    """The exit code and the output of a start that is refused."""
    ports = {name: str(find_free_port()) for name in NAMES}
    done = subprocess.run(
        [sys.executable, "-m", "project.local.up"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(folder)} | ports | environment,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    port = find_free_port()
    with EmbeddedValkey(tmp_path / "guarded", port) as server, redis.Redis(port=port) as client:
        client.config_set("requirepass", "correct-horse")
        yield server


def test_every_port_in_use_is_named_with_its_variable_before_anything_starts(
    tmp_path: Path,
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0), reuse_port=True) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        first, second = one.getsockname()[1], two.getsockname()[1]
        code, said = run_up(tmp_path, PORT=str(first), SMTP_PORT=str(second))

    assert code == 1
    assert f"port {first} is in use: set PORT to another port" in said
    assert f"port {second} is in use: set SMTP_PORT to another port" in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "valkey").exists()


@pytest.mark.parametrize(
    ("login", "problem"),
    [("", "Redis asks for a password"), (":wrong@", "does not accept the user and password")],
)
def test_a_missing_or_wrong_password_is_told_as_that(
    guarded: EmbeddedValkey, tmp_path: Path, login: str, problem: str
) -> None:
    url = f"redis://{login}127.0.0.1:{guarded.port}/0"

    code, said = run_up(tmp_path, REDIS_URL=url)

    assert code == 1
    assert problem in said
    assert len(said.splitlines()) == 1


def test_a_stop_without_redis_takes_less_than_ten_seconds(tmp_path: Path) -> None:
    system = System(tmp_path / "system")
    port = find_free_port()
    try:
        with EmbeddedValkey(tmp_path / "valkey", port):
            system.start(REDIS_URL=f"redis://127.0.0.1:{port}/0")
        assert system.program
        wait_until(lambda: system.http.get("/health/ready").status_code == 503, 20)
        started = time.monotonic()

        assert system.stop() == 0

        assert time.monotonic() - started < 10
    finally:
        system.close()

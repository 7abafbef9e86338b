"""Each process says that Redis refuses its login, and none hangs while Redis is away."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from project.local.valkey import EmbeddedValkey
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT, Program
from tests.support.waiting import PATIENCE

COMMANDS = {
    "api": ["-m", "api"],
    "worker": ["-m", "celery", "-A", "project", "worker"],
    "beat": ["-m", "celery", "-A", "project", "beat"],
    "flower": [
        *("-m", "celery", "-A", "project", "flower"),
        "--conf=project/telemetry/flower_config.py",
    ],
}


@pytest.fixture(scope="module")
def locked_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Valkey that asks for a password."""
    port = find_free_port()
    with EmbeddedValkey(tmp_path_factory.mktemp("locked"), port) as server:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("requirepass", "right")
        yield port


def build_environment(folder: Path, url: str) -> dict[str, str]:
    ports = {name: str(find_free_port()) for name in ("PORT", "FLOWER_PORT")}
    return os.environ | ports | {"DATA_DIR": str(folder), "REDIS_URL": url}


@pytest.mark.parametrize("program", COMMANDS)
@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("", "Redis asks for a password, and REDIS_URL has none"),
        (":wrong-one@", "Redis does not accept the user and password of REDIS_URL"),
    ],
    ids=["missing", "wrong"],
)
def test_a_refused_login_ends_the_process_with_the_reason(
    program: str, login: str, words: str, locked_port: int, tmp_path: Path
) -> None:
    url = f"redis://{login}127.0.0.1:{locked_port}/0"

    ended = subprocess.run(
        [sys.executable, *COMMANDS[program]],
        cwd=ROOT,
        env=build_environment(tmp_path, url),
        capture_output=True,
        text=True,
        timeout=30 * PATIENCE,
        check=False,
    )

    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    assert words in said
    assert "Traceback" not in said
    assert "wrong-one" not in said


def test_a_worker_that_waits_for_redis_says_so_and_stops_when_told(tmp_path: Path) -> None:
    url = f"redis://127.0.0.1:{find_free_port()}/0"
    worker = Program(
        [sys.executable, *COMMANDS["worker"]],
        tmp_path / "worker.log",
        build_environment(tmp_path, url),
    )
    try:
        worker.wait_for_output("waiting for Redis: Redis cannot be reached")
        worker.send(signal.SIGTERM)

        assert worker.wait(10) == 0
    finally:
        worker.kill()

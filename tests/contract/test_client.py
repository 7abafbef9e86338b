"""A client in another language, made from /openapi.json alone, orders a report."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.tryout import KEY, KEYS
from tests.support.system import House

CLIENT = Path(__file__).parent / "client"
SECONDS = 300


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A system that asks for a key."""
    house = House(tmp_path_factory.mktemp("client"))
    house.http.headers["X-API-Key"] = KEY
    house.start(**KEYS)
    yield house
    house.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The program that is to use the client, and what it needs from npm."""
    if not shutil.which("npm"):
        message = "npm is not installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    shutil.copytree(CLIENT, tmp_path, dirs_exist_ok=True)
    run(tmp_path, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    return tmp_path


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_a_client_made_from_the_description_orders_a_report(own: House, folder: Path) -> None:
    base = str(own.http.base_url)
    run(
        folder, "npx", "--no", "openapi-typescript", f"{base}/openapi.json",
        "--output", "api.d.ts", "--default-non-nullable", "false",
    )  # fmt: skip
    run(folder, "npx", "--no", "tsc")
    said = json.loads(run(folder, "node", "order.js", base, KEY))
    assert said["record"]["status"] == "success"
    assert said["record"]["result"]["download_url"].startswith(base)
    assert said["refused"] == "Conflict"

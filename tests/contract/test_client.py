"""A JavaScript client generated from /openapi.json orders a report."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.tryout import API_KEY, API_KEY_SETTINGS
from tests.support.programs.system import System
from tests.support.waiting import PATIENCE

CLIENT_FOLDER = Path(__file__).parent / "client"
TIMEOUT_SECONDS = 300 * PATIENCE


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that requires a key."""
    system = System(tmp_path_factory.mktemp("client"))
    system.http.headers["X-API-Key"] = API_KEY
    system.start(**API_KEY_SETTINGS)
    yield system
    system.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder with the program that uses the client, and its npm packages."""
    if not shutil.which("npm"):
        message = "npm is not installed"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    shutil.copytree(CLIENT_FOLDER, tmp_path, dirs_exist_ok=True)
    run_command(tmp_path, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    return tmp_path


def run_command(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_a_client_generated_from_the_openapi_document_orders_a_report(
    own_system: System, folder: Path
) -> None:
    base = str(own_system.http.base_url)
    run_command(
        folder, "npx", "--no", "openapi-typescript", f"{base}/openapi.json",
        "--output", "api.d.ts", "--default-non-nullable", "false",
    )  # fmt: skip

    run_command(folder, "npx", "--no", "tsc")
    said = json.loads(run_command(folder, "node", "order.js", base, API_KEY))

    assert said["record"]["status"] == "success"
    assert said["record"]["result"]["download_url"].startswith(base)
    assert said["refused"] == "Conflict"

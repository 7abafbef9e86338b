"""Test a running system against /openapi.json with schemathesis."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from benchmarks.support.environment import install_environment
from tests.support.programs.system import System
from tests.support.waiting import wait_until

HERE = Path(__file__).parent
API_KEY = "contract-0123456789abcdef"
API_KEY_SETTINGS = {"CONTINUO_API_KEYS": f"contract:{API_KEY}"}
"""The settings of the system under test."""

UNREACHABLE_URL = "http://nobody.invalid/"
MAX_ANSWER_SECONDS = 30.0
"""Time after which an answer counts as a hang."""


class ContractResult(NamedTuple):
    """The number of cases, whether all passed, and schemathesis's output."""

    cases: int
    is_kept: bool
    report: str


def check_contract(
    system: System, *, examples: int, seconds: float, seed: int = 0
) -> ContractResult:
    """Try every operation with up to ``examples`` cases, for at most ``seconds``."""
    command = [
        install_environment(HERE) / "schemathesis",
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        f"{system.http.base_url}/openapi.json",
        f"--header=X-API-Key: {API_KEY}",
        f"--max-examples={examples}",
        f"--max-response-time={MAX_ANSWER_SECONDS}",
        f"--request-timeout={MAX_ANSWER_SECONDS + 5}",
        f"--seed={seed}",
        "--workers=2",
        "--no-color",
    ]
    hooks = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
    known = {"CONTRACT_KNOWN": json.dumps(create_known_values(system))}
    done = subprocess.run(
        command,
        cwd=system.folder,
        env=os.environ | hooks | known,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    cases = re.search(r"(\d+) generated", done.stdout)
    report = done.stdout + done.stderr
    return ContractResult(int(cases[1]) if cases else 0, done.returncode == 0, report)


def create_known_values(system: System) -> dict[str, list[str]]:
    """Create one resource of each kind; their ids by path parameter."""
    report = system.order("/reports", {"callback_url": UNREACHABLE_URL})["id"]
    blast = system.order("/emails", {"recipients": ["ada@example.com"]})["id"]
    call = system.order("/webhooks", {"url": UNREACHABLE_URL, "delay": 86_400})["id"]
    link = system.wait_until_final("/reports", report)["result"]["download_url"]
    delivery = f"/tasks/{report}/delivery"
    wait_until(lambda: system.http.get(delivery).status_code == 200)
    return {
        "id": [report, blast, call, system.http.get(delivery).json()["id"]],
        "link": [link],
        "token": [link.rpartition("/")[2]],
        "name": ["celery"],
    }

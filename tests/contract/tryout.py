"""What /openapi.json says, tried out on a running system by schemathesis."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from benchmarks.environment import prepare
from tests.support.system import House
from tests.support.waiting import until

HERE = Path(__file__).parent
KEY = "contract-0123456789abcdef"
KEYS = {"CONTINUO_API_KEYS": f"contract:{KEY}"}
"""What the system is started with."""

NOBODY = "http://nobody.invalid/"
SLOWEST = 30.0
"""Seconds after which an answer counts as a hang."""


class Verdict(NamedTuple):
    """How many cases there were, whether all was as described, and all that was said."""

    cases: int
    is_kept: bool
    report: str


def try_out(house: House, *, examples: int, seconds: float, seed: int = 0) -> Verdict:
    """Try every operation with up to so many ``examples``, for so many ``seconds`` at most."""
    command = [
        prepare(HERE) / "schemathesis",
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        f"{house.http.base_url}/openapi.json",
        f"--header=X-API-Key: {KEY}",
        f"--max-examples={examples}",
        f"--max-response-time={SLOWEST}",
        f"--request-timeout={SLOWEST + 5}",
        f"--seed={seed}",
        "--workers=2",
        "--no-color",
    ]
    hooks = {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
    known = {"CONTRACT_KNOWN": json.dumps(known_values(house))}
    done = subprocess.run(
        command,
        cwd=house.folder,
        env=os.environ | hooks | known,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    cases = re.search(r"(\d+) generated", done.stdout)
    report = done.stdout + done.stderr
    return Verdict(int(cases[1]) if cases else 0, done.returncode == 0, report)


def known_values(house: House) -> dict[str, list[str]]:
    """What is really there, under the names of the places in paths that lead to it."""
    report = house.order("/reports", {"callback_url": NOBODY})["id"]
    blast = house.order("/emails", {"recipients": ["ada@example.com"]})["id"]
    call = house.order("/webhooks", {"url": NOBODY, "delay": 86_400})["id"]
    link = house.final("/reports", report)["result"]["download_url"]
    delivery = f"/tasks/{report}/delivery"
    until(lambda: house.http.get(delivery).status_code == 200)
    return {
        "id": [report, blast, call, house.http.get(delivery).json()["id"]],
        "link": [link],
        "token": [link.rpartition("/")[2]],
        "name": ["celery"],
    }

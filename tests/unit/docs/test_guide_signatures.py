"""The guide's functions for receivers accept only our signatures."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tasks.webhooks.deliveries import sign
from tests.support.documents.guides import DOCS, parse_blocks
from tests.support.waiting import PATIENCE

CODE = {
    block.language: block.code
    for block in parse_blocks(DOCS / "how-to" / "webhooks-and-callbacks.md")
}
KEY, OLD_KEY = b"k" * 32, b"o" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = '{"type": "task.success", "data": {"note": "Grüße"}}'

type Check = Callable[[dict[str, str], str], bool]


def headers(*keys: bytes, age: float = 0.0) -> dict[str, str]:
    """The headers of a delivery that was signed with these keys."""
    now = str(int(time.time() - age))
    content = f"one.{now}.{BODY}".encode()
    signatures = " ".join(sign(key, content) for key in keys)
    return {"webhook-id": "one", "webhook-timestamp": now, "webhook-signature": signatures}


def in_python(sent: dict[str, str], body: str) -> bool:
    """Whether the guide's Python accepts the delivery."""
    names: dict[str, Any] = {}
    exec(CODE["python"], names)  # noqa: S102 - the guide's code
    told: bool = names["is_from_continuo"](SECRET, sent, body.encode())
    return told


def in_javascript(sent: dict[str, str], body: str) -> bool:
    """Whether the guide's JavaScript accepts it. Without node: skipped, in CI failed."""
    node = shutil.which("node")
    if node is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("node is not installed")
    arguments = ", ".join(json.dumps(one) for one in (SECRET, sent, body))
    script = f"{CODE['javascript']}\nconsole.log(isFromContinuo({arguments}));\n"
    done = subprocess.run(
        [str(node), "--input-type=module", "--eval", script],
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=True,
    )
    return done.stdout == "true\n"


@pytest.mark.parametrize("check", [in_python, in_javascript])
def test_the_signature_check_of_the_guide_accepts_only_our_signatures(check: Check) -> None:
    assert check(headers(KEY), BODY)
    assert check(headers(KEY, OLD_KEY), BODY)
    assert check(headers(OLD_KEY, KEY), BODY)
    assert not check(headers(OLD_KEY), BODY)
    assert not check(headers(KEY), BODY + " ")
    assert not check(headers(KEY, age=400), BODY)
    assert not check(headers(KEY, age=-400), BODY)
    assert not check(headers(KEY) | {"webhook-id": "two"}, BODY)

"""Check metrics and rules with promtool, from Debian's package prometheus."""

import os
import shutil
import subprocess

import pytest

from tests.support.waiting import PATIENCE


def run_promtool(*arguments: str, given: str = "") -> str:
    """The complaints of promtool, "" when there are none. Without it the test is skipped."""
    program = shutil.which("promtool")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("promtool is not installed")
    checked = subprocess.run(
        [program, *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )
    complaint = checked.stderr.replace("  SUCCESS\n", "")
    return complaint if not checked.returncode else f"{checked.stdout}\n{complaint}"

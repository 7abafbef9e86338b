"""What tests need to install packages as users do: npm, and the package registries."""

import os
import shutil
import subprocess

import pytest

PROBE = ("npm", "view", "openapi-typescript@7.13.0", "version")


def require_registries() -> None:
    """Skip the test where packages cannot be downloaded; fail in CI, which has everything."""
    if not shutil.which("npm"):
        problem = "npm is not installed"
    else:
        done = subprocess.run(PROBE, capture_output=True, text=True, check=False, timeout=120)
        problem = f"the npm registry does not answer: {done.stderr}" if done.returncode else ""
    if problem:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(problem)

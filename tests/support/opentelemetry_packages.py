"""Install OpenTelemetry in a folder of its own, so that only the tests that need it pay for it."""

import fcntl
import os
import shutil
import sys
from pathlib import Path
from subprocess import CalledProcessError
from zlib import crc32

import pytest

from benchmarks.support.environment import ROOT, run_uv

LOCK_FILE = ROOT / "requirements-tracing.lock"
HOME = ROOT / ".bootstrap" / "tracing"
STAMP_FILE = HOME / ".ready"


def ensure_installed() -> Path:
    """The folder to put on PYTHONPATH; installed when missing or older than its lock file."""
    HOME.parent.mkdir(exist_ok=True)
    with (HOME.parent / "tracing.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # tests run in parallel
        wanted = f"{crc32(LOCK_FILE.read_bytes()):x} {sys.version}"
        if not STAMP_FILE.exists() or STAMP_FILE.read_text() != wanted:
            shutil.rmtree(HOME, ignore_errors=True)
            install()
            STAMP_FILE.write_text(wanted)
    return HOME


def install() -> None:
    """Install the packages. When that fails the test is skipped, in CI it fails."""
    python = ROOT / ".venv" / "bin" / "python"
    try:
        run_uv(
            "pip",
            "install",
            "--python",
            python,
            "--target",
            HOME,
            "--require-hashes",
            "-r",
            LOCK_FILE,
        )
    except CalledProcessError:
        if os.environ.get("CI"):
            raise
        pytest.skip("OpenTelemetry cannot be installed")

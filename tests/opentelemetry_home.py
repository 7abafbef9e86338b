"""OpenTelemetry for the tests that want it, beside the environment: it costs all who have it."""

import fcntl
import shutil
import sys
from pathlib import Path
from zlib import crc32

from benchmarks.environment import ROOT, uv

LOCK = ROOT / "requirements-tracing.lock"
HOME = ROOT / ".bootstrap" / "tracing"
STAMP = HOME / ".ready"


def home() -> Path:
    """The folder to put on PYTHONPATH; installed when it is missing or older than its lock."""
    HOME.parent.mkdir(exist_ok=True)
    with (HOME.parent / "tracing.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # tests run side by side
        wanted = f"{crc32(LOCK.read_bytes()):x} {sys.version}"
        if not STAMP.exists() or STAMP.read_text() != wanted:
            shutil.rmtree(HOME, ignore_errors=True)
            python = ROOT / ".venv" / "bin" / "python"
            uv(
                "pip",
                "install",
                "--python",
                python,
                "--target",
                HOME,
                "--require-hashes",
                "-r",
                LOCK,
            )
            STAMP.write_text(wanted)
    return HOME

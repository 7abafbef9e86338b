"""``python -m project.artifacts.cleanup``: removes expired artifacts and abandoned drafts.

Workers start it once an hour in a process of its own, because it may have much to remove and the
S3 client must not run in a process that forks. Several may run at the same time.
"""

import shutil
import signal
import sys
import time
from pathlib import Path

from project.artifacts import links
from project.settings.checks import run_program
from project.settings.values import get_settings

TIMEOUT_SECONDS = 1_800
"""The process is killed after this time; the next one continues."""
MAX_DRAFT_AGE_SECONDS = 86_400
"""Age at which a draft counts as abandoned."""


def clean_up() -> tuple[int, int]:
    """Remove expired files. Returns the number of artifacts and of drafts."""
    return links.remove_expired(), remove_stray_drafts(get_settings().data_dir / "workshop")


def remove_stray_drafts(place: Path) -> int:
    """Remove the drafts that killed workers have left. Returns their number."""
    limit = time.time() - MAX_DRAFT_AGE_SECONDS
    strays = [folder for folder in place.glob("*") if folder.stat().st_mtime < limit]
    for stray in strays:
        shutil.rmtree(stray, ignore_errors=True)
    return len(strays)


def main() -> int:
    """Remove expired files and say how many. Returns the exit code."""
    signal.alarm(TIMEOUT_SECONDS)
    sys.stdout.write("removed {} artifacts and {} drafts\n".format(*clean_up()))
    return 0


if __name__ == "__main__":
    run_program("cleanup", main)

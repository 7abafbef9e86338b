"""``python -m project.artifacts.cleanup``: removes expired artifacts and stray drafts.

Workers start it once an hour, as a process of its own: it may have much to remove, and
what speaks to S3 must not run where a worker forks. Any number may run at once.
"""

import shutil
import signal
import sys
import time
from pathlib import Path

from project.artifacts import links
from project.settings.values import get_settings

TIMEOUT_SECONDS = 1_800
"""The most it may take; the next one goes on."""
MAX_DRAFT_AGE_SECONDS = 86_400
"""Seconds after which nobody works on a draft any more."""


def clean_up() -> tuple[int, int]:
    """Remove what is past its time; how many artifacts, how many drafts."""
    return links.remove_expired(), remove_stray_drafts(get_settings().data_dir / "workshop")


def remove_stray_drafts(place: Path) -> int:
    """Remove what killed workers have left in their workshops; how many."""
    limit = time.time() - MAX_DRAFT_AGE_SECONDS
    strays = [folder for folder in place.glob("*") if folder.stat().st_mtime < limit]
    for stray in strays:
        shutil.rmtree(stray, ignore_errors=True)
    return len(strays)


if __name__ == "__main__":
    signal.alarm(TIMEOUT_SECONDS)
    sys.stdout.write("removed {} artifacts and {} drafts\n".format(*clean_up()))

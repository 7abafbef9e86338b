"""Starts the process that archives ended jobs, in one worker at a time; see ``project.history``."""

import json
import logging
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

from project.extras import has_extra
from project.settings.history import get_history_settings
from project.store.client import Store
from project.store.commands import archive

log = logging.getLogger(__name__)

ARCHIVE_EVERY = 15.0
TIDY_EVERY = 3_600.0
"""Seconds after which the process is started although no job waits: files are to be merged."""
LEASE_SECONDS = 60
"""For the start of the process, which renews the lease itself."""
ROOT = Path(__file__).parents[3]


class Archiving:
    """Turns the history on or off when the worker starts, and starts the archiver."""

    def __init__(self, store: Store, worker_id: str, app: Any) -> None:
        self.store = store
        self.worker_id = worker_id
        self.app = app
        self.is_on = get_history_settings().history
        if self.is_on and not has_extra("reports"):
            log.error("CONTINUO_HISTORY needs the extra reports: no job is archived")
            self.is_on = False
        self._is_told = False
        self._numbers = count(1)
        self._tidy_at = time.monotonic() + TIDY_EVERY
        self._token = ""
        self._process: subprocess.Popen[bytes] | None = None

    def work(self) -> float:
        """Start the archiver when there is something to do; the seconds until the next look."""
        if self.is_on or not self._is_told:  # again and again: Redis may come back empty
            self.store.run(archive.switch(on=self.is_on))
            self._is_told = True
        if self.is_on:
            self._release_dead()
            self._start(time.monotonic())
        return ARCHIVE_EVERY

    def _release_dead(self) -> None:
        """Give back the lease of an archiver that was killed."""
        if self._process and self._process.poll() not in (None, 0):
            log.warning("the archiver ended with %d; another one goes on", self._process.returncode)
            self.store.run(archive.release(self._token))
            self._process = None

    def _start(self, now: float) -> None:
        if self._process and self._process.poll() is None:
            return
        token = f"{self.worker_id}/{next(self._numbers)}"
        even_idle = now >= self._tidy_at
        if not self.store.run(archive.begin(token, LEASE_SECONDS, even_idle=even_idle)):
            return
        self._tidy_at = now + TIDY_EVERY
        self._token = token
        order = json.dumps({"token": token, "shown_kinds": list_shown_kinds(self.app)})
        self._process = subprocess.Popen(  # noqa: S603 - our own module, and no shell
            (sys.executable, "-m", "project.history.archiver", order),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
        )


def list_shown_kinds(app: Any) -> list[str]:
    """The kinds whose arguments may be shown, and so be kept."""
    return sorted(
        name for name, task in app.tasks.items() if not getattr(task, "hides_arguments", False)
    )

"""The last lines that the main process of a worker logs, for those who look at it from afar."""

import logging
import os
from collections import deque

from celery._state import get_current_task

from project.errors import StoreUnavailable
from project.logs.handler import REDIRECTED
from project.logs.masks import mask_secrets
from project.records.log_line import WorkerLogLine, level_name
from project.store.client import Store
from project.store.commands import workers

SEND_EVERY_SECONDS = 2.0
MAX_LINES = 200
MAX_CHARACTERS = 500
"""A longer line is cut to its first characters."""

ABOUT_JOBS = ("celery.app.trace", "celery.worker.strategy", "celery.task", REDIRECTED)
"""Loggers of lines about single jobs: they would soon be all that is left."""


class LogTail(logging.Handler):
    """Keeps the last lines, with their secrets masked, and sends them when there are new ones."""

    def __init__(self, worker: str) -> None:
        super().__init__()
        self._worker = worker
        self._pid = os.getpid()
        self._lines: deque[WorkerLogLine] = deque(maxlen=MAX_LINES)
        self._has_new = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line of this process that is about the worker, not about a job."""
        is_of_job = record.name.startswith(ABOUT_JOBS) or get_current_task() is not None
        if os.getpid() != self._pid or is_of_job:
            return
        try:
            self._lines.append(build_line(record))
            self._has_new = True
        except Exception:  # noqa: BLE001 - as all handlers of logging do
            self.handleError(record)

    def work(self, store: Store) -> float:
        """Send the lines if there are new ones; the seconds until the next time."""
        if self._has_new:
            self.send(store)
        return SEND_EVERY_SECONDS

    def send(self, store: Store) -> None:
        """Send the lines. They are sent again when Redis does not take them now."""
        self._has_new = False
        self.acquire()
        lines = list(self._lines)
        self.release()
        try:
            store.run(workers.keep_log(self._worker, lines))
        except StoreUnavailable:
            self._has_new = True


def build_line(record: logging.LogRecord) -> WorkerLogLine:
    """The line of a record."""
    message = record.getMessage()
    if record.exc_info and record.exc_info[1]:
        message = f"{message[:MAX_CHARACTERS]}: {record.exc_info[1]!r}"
    shown = mask_secrets(message)[:MAX_CHARACTERS].encode(errors="replace").decode()
    return WorkerLogLine(round(record.created, 3), level_name(record.levelno), record.name, shown)

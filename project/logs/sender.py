"""Sends the lines of jobs to Redis: one thread of the process, some times a second.

The buffer is bounded, for each job and for all. A job that logs faster loses its oldest lines of
that moment, and one line says how many. A process that is killed loses what it has logged in the
last ``SEND_EVERY_SECONDS``.
"""

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from threading import Event, RLock, Thread

import msgspec

from project.errors import StoreUnavailable
from project.records.log_line import JobLogLine
from project.store.commands import logs
from project.store.commands.command import Command

log = logging.getLogger(__name__)

SEND_EVERY_SECONDS = 0.2

MAX_JOB_BYTES = 64 * 1024
"""Bytes of messages of one job that wait to be sent."""

MAX_BYTES = 4 * 1024 * 1024
"""Bytes of messages of all jobs of a process that wait to be sent."""

LINE_BYTES = 100
"""What a line costs beside its message."""

encode = msgspec.json.Encoder().encode


class Pending:
    """The lines of one job that wait; ``left_out`` counts those that found no place."""

    def __init__(self) -> None:
        self.lines: deque[JobLogLine] = deque()
        self.bytes = 0
        self.left_out = 0

    def add(self, line: JobLogLine) -> int:
        """Add a line and drop the oldest beyond the bound; by how many bytes that grew."""
        before = self.bytes
        self.lines.append(line)
        self.bytes += cost_of(line)
        while self.bytes > MAX_JOB_BYTES and len(self.lines) > 1:
            self.bytes -= cost_of(self.lines.popleft())
            self.left_out += 1
        return self.bytes - before

    def encode(self) -> bytes:
        """The lines as JSON, each with its end; first of all how many are left out."""
        first = []
        if self.left_out:
            about = self.lines[0]
            words = f"{self.left_out} lines left out: the job logs faster than its log can keep"
            first = [JobLogLine(about.at, about.attempt, "warning", "", words)]
        return b"".join(encode(line) + b"\n" for line in (*first, *self.lines))


def cost_of(line: JobLogLine) -> int:
    """About how many bytes a line takes."""
    return len(line.message) + LINE_BYTES


class LogSender:
    """Collects lines and sends them. Any thread may add some; ``run`` runs a command."""

    def __init__(
        self, run: Callable[[Command[int]], int], every_seconds: float = SEND_EVERY_SECONDS
    ) -> None:
        self._run = run
        self._every_seconds = every_seconds
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = RLock()
        self._sending = RLock()
        self._pending: dict[str, Pending] = {}
        self._bytes = 0
        self._batches = 0
        self._has_lines = Event()
        self._name = f"{os.getpid()}.{time.time_ns():x}"
        self._thread: Thread | None = None

    def add(self, job_id: str, line: JobLogLine) -> None:
        """Take a line; it is sent soon."""
        with self._lock:
            pending = self._pending.get(job_id)
            if pending is None:
                pending = self._pending[job_id] = Pending()
            if self._bytes > MAX_BYTES and pending.lines:
                pending.left_out += 1
                return
            self._bytes += pending.add(line)
        if not self._has_lines.is_set():
            self._has_lines.set()
            self._start()

    def flush(self) -> None:
        """Send what waits. What Redis does not take is lost, with a line in the worker's log."""
        with self._sending:
            self._has_lines.clear()
            with self._lock:
                pending, self._pending, self._bytes = self._pending, {}, 0
            if not pending:
                return
            self._batches += 1
            texts = {job_id: lines.encode() for job_id, lines in pending.items()}
            try:
                self._run(logs.append(f"{self._name}.{self._batches}", texts))
            except StoreUnavailable as problem:
                log.warning("the logs of %d jobs were not stored: %s", len(texts), problem)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._work, name="job-logs", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:  # as long as the process lives
            self._has_lines.wait()
            time.sleep(self._every_seconds)
            self.flush()

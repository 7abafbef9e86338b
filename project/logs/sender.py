"""Sends the lines of jobs to Redis: one thread of the process, some times a second.

The buffer is bounded, for each job and for all. A job that logs faster loses its oldest lines of
that moment here, and one line says how many; its whole log has them. A process that is killed loses
what it has logged in the last ``SEND_EVERY_SECONDS``, and the whole log of its attempt.
"""

import logging
import os
import time
from collections import deque
from collections.abc import Callable
from threading import Event, RLock, Thread

import msgspec

from project.errors import StoreUnavailable
from project.logs.whole_log import WholeLog
from project.records.log_line import JobLogLine
from project.store.commands import logs
from project.store.commands.command import Command

log = logging.getLogger(__name__)

SEND_EVERY_SECONDS = 0.2

MAX_JOB_BYTES = 64 * 1024
"""Bytes of messages of one job that wait to be sent."""

MAX_BYTES = 4 * 1024 * 1024
"""Bytes of messages of all jobs of a process that wait to be sent."""

encode = msgspec.json.Encoder().encode


class Pending:
    """The lines of one job that wait; ``left_out`` counts those that found no place."""

    def __init__(self, first: JobLogLine) -> None:
        self.first = first
        self.lines: deque[bytes] = deque()
        self.bytes = 0
        self.left_out = 0

    def add(self, line: bytes) -> int:
        """Add a line and drop the oldest beyond the bound; by how many bytes that grew."""
        before = self.bytes
        self.lines.append(line)
        self.bytes += len(line)
        while self.bytes > MAX_JOB_BYTES and len(self.lines) > 1:
            self.bytes -= len(self.lines.popleft())
            self.left_out += 1
        return self.bytes - before

    def join(self) -> bytes:
        """The lines as JSON, each with its end; first of all how many are left out."""
        if self.left_out:
            words = f"{self.left_out} lines left out: the job logs faster than its log can keep"
            about = JobLogLine(self.first.at, self.first.attempt, "warning", "", words)
            self.lines.appendleft(encode_line(about))
        return b"".join(self.lines)


def encode_line(line: JobLogLine) -> bytes:
    """A line as it is stored."""
    return encode(line) + b"\n"


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
        self._whole: dict[str, WholeLog] = {}
        self._bytes = 0
        self._batches = 0
        self._has_lines = Event()
        self._name = f"{os.getpid()}.{time.time_ns():x}"
        self._thread: Thread | None = None

    def begin_attempt(self, job_id: str, attempt: int) -> None:
        """Keep all lines of an attempt, until ``end_attempt``."""
        self._whole[job_id] = WholeLog(job_id, attempt)

    def add(self, job_id: str, line: JobLogLine) -> None:
        """Take a line; it is sent soon."""
        text = encode_line(line)
        with self._lock:
            if whole := self._whole.get(job_id):
                whole.write(text)
            pending = self._pending.get(job_id)
            if pending is None:
                pending = self._pending[job_id] = Pending(line)
            if self._bytes > MAX_BYTES and pending.lines:
                pending.left_out += 1
                return
            self._bytes += pending.add(text)
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
            texts = {job_id: lines.join() for job_id, lines in pending.items()}
            try:
                self._run(logs.append(f"{self._name}.{self._batches}", texts))
            except StoreUnavailable as problem:
                log.warning("the logs of %d jobs were not stored: %s", len(texts), problem)

    def end_attempt(self, job_id: str) -> None:
        """Store the whole log of an attempt that has ended, if Redis does not keep all of it."""
        whole = self._whole.pop(job_id, None)
        if whole is None:
            return
        try:
            if file := whole.store():
                self._run(logs.add_file(job_id, file))
        except Exception as problem:  # noqa: BLE001 - the job has done its work
            log.warning("job %s: its whole log was not stored: %r", job_id, problem)

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

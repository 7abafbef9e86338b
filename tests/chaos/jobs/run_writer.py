"""Write the events of a job's run to the ledger.

A line is one ``write`` to a file opened for appending, synced to disk before the job continues:
a kill leaves the whole line or nothing.
"""

import os
import signal
import time
from typing import Any

from tests.chaos.judge.ledger import EventType, LedgerEvent

MIN_EFFORT_SECONDS, MAX_EFFORT_SECONDS = 0.003, 0.010
"""Bounds of the time that a short job takes for its effect."""

STEP_SECONDS = 0.05
"""Time between two events of a long job."""

MAX_DEATH_SECONDS = 60.0
"""Time within which a process ends after it or its parent was killed."""


class RunWriter:
    """Writes the events of one run."""

    def __init__(self, path: str, job: str, attempt: int, worker: str) -> None:
        self.path = path
        self.about = (job, attempt, os.urandom(6).hex(), worker, os.getpid())

    def write(self, what: EventType) -> None:
        """Append a line and sync it to disk."""
        line = f"{LedgerEvent(what, *self.about, time.time())}\n".encode()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)


def writer_of(task: Any, ledger: str) -> RunWriter:
    """The writer for the current run of a task."""
    request = task.request
    return RunWriter(ledger, request.id, request.retries + 1, request.hostname)


def work_long(writer: RunWriter, seconds: float) -> None:
    """Work for ``seconds``, with an event after every ``STEP_SECONDS``."""
    writer.write(EventType.START)
    for _ in range(round(seconds / STEP_SECONDS)):
        time.sleep(STEP_SECONDS)
        writer.write(EventType.STEP)
    writer.write(EventType.FINISH)


def kill_process(writer: RunWriter, victim: str) -> None:
    """Kill the current process ("child") or its parent ("main")."""
    writer.write(EventType.START)
    writer.write(EventType.END)
    os.kill(os.getpid() if victim == "child" else os.getppid(), signal.SIGKILL)
    time.sleep(MAX_DEATH_SECONDS)
    writer.write(EventType.FINISH)


def effort_of(job_id: str) -> float:
    """Seconds of work, which differ between jobs and are the same for every run of a job."""
    return (
        MIN_EFFORT_SECONDS
        + (MAX_EFFORT_SECONDS - MIN_EFFORT_SECONDS) * int(job_id[:4], 16) / 0xFFFF
    )

"""How a job writes down what it does.

A line is one ``write`` to a file opened for appending, flushed to the disk before the
job goes on: a kill leaves the line or nothing.
"""

import os
import signal
import time
from typing import Any

from tests.chaos.judge.ledger import EventType, LedgerEvent

MIN_EFFORT_SECONDS, MAX_EFFORT_SECONDS = 0.003, 0.010
"""Seconds that a short job takes for its effect."""

STEP_SECONDS = 0.05
"""Seconds between two signs of life of a long job."""

MAX_DEATH_SECONDS = 60.0
"""Seconds in which a process that was killed, or whose parent was, has ended."""


class RunWriter:
    """Writes the lines of one run."""

    def __init__(self, path: str, job: str, attempt: int, worker: str) -> None:
        self.path = path
        self.about = (job, attempt, os.urandom(6).hex(), worker, os.getpid())

    def write(self, what: EventType) -> None:
        """Add a line and see it on the disk."""
        line = f"{LedgerEvent(what, *self.about, time.time())}\n".encode()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)


def writer_of(task: Any, ledger: str) -> RunWriter:
    """A pen for this run of a job."""
    request = task.request
    return RunWriter(ledger, request.id, request.retries + 1, request.hostname)


def work_long(pen: RunWriter, seconds: float) -> None:
    """Work for many seconds, a little at a time."""
    pen.write(EventType.START)
    for _ in range(round(seconds / STEP_SECONDS)):
        time.sleep(STEP_SECONDS)
        pen.write(EventType.STEP)
    pen.write(EventType.FINISH)


def kill_process(pen: RunWriter, victim: str) -> None:
    """Kill the own process ("child") or the one that started it ("main")."""
    pen.write(EventType.START)
    pen.write(EventType.END)
    os.kill(os.getpid() if victim == "child" else os.getppid(), signal.SIGKILL)
    time.sleep(MAX_DEATH_SECONDS)
    pen.write(EventType.FINISH)


def effort_of(job_id: str) -> float:
    """Seconds of work, different from job to job and the same for each run of one."""
    return (
        MIN_EFFORT_SECONDS
        + (MAX_EFFORT_SECONDS - MIN_EFFORT_SECONDS) * int(job_id[:4], 16) / 0xFFFF
    )

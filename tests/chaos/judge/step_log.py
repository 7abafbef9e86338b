"""The log of steps, beside the ledger: which steps ran, and which were finished before that."""

import os
from enum import StrEnum
from pathlib import Path


class StepEvent(StrEnum):
    """A step runs; or the job has got its result, so it must not run again."""

    RUN = "run"
    FINISHED = "finished"


def write_step(path: str, job: str, number: int, event: StepEvent) -> None:
    """Append a line and sync it to disk: a kill leaves the whole line or nothing."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{job} {number} {event}\n".encode())
        os.fsync(file)
    finally:
        os.close(file)


def list_repeated(path: Path) -> list[str]:
    """The steps that ran after they were finished, each as job and number."""
    finished: set[str] = set()
    repeated = []
    for line in path.read_text().splitlines() if path.exists() else ():
        step, _, event = line.rpartition(" ")
        if event == StepEvent.FINISHED:
            finished.add(step)
        elif step in finished:
            repeated.append(step)
    return repeated

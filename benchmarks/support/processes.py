"""Processes under measurement: started on their own, counted with all they start, ended by force.

What they did is thrown away, so every stack is ended alike, at once. Needs Linux (``/proc``).
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from project.processes import detach_from_terminal

ROOT = Path(__file__).parents[2]
PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
MAX_ERROR_CHARACTERS = 2_000


class MeasuredProgram:
    """A command that runs in the checkout. All it prints goes to ``log``.

    With ``pipes`` its standard input and output are left to the caller.
    """

    def __init__(
        self, command: Sequence[str], environment: dict[str, str], log: Path, *, pipes: bool = False
    ) -> None:
        self.command = command
        self.log = log
        ends: IO[bytes] | int
        with log.open("ab") as said:
            ends = subprocess.PIPE if pipes else subprocess.DEVNULL
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=ends,
                stdout=subprocess.PIPE if pipes else said,
                stderr=said,
                preexec_fn=detach_from_terminal,  # noqa: PLW1509 - sets two flags, takes no lock
            )

    def require_running(self) -> None:
        """Raise when it has ended, with its last words."""
        if self.process.poll() is not None:
            said = self.log.read_text(errors="replace")[-MAX_ERROR_CHARACTERS:]
            raise RuntimeError(f"{' '.join(self.command)} has ended:\n{said}")

    def cpu_seconds(self) -> float:
        """CPU time of all its processes, and of those of them that have ended."""
        return sum(read_cpu_seconds(pid) for pid in list_tree(self.process.pid))

    def memory(self) -> float:
        """Resident bytes of all its processes; what they share is counted once."""
        return sum(read_memory(pid) for pid in list_tree(self.process.pid))

    def kill(self) -> None:
        """End it and everything it has started."""
        for pid in list_tree(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def list_tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for parent in found:
        for task in (PROC / str(parent) / "task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, task.read_text().split())
    return found


def read_cpu_seconds(pid: int) -> float:
    """CPU time of a process, and of the children it has seen ending; 0 when it is gone."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return 0.0
    user_system_and_children = stat.rpartition(")")[2].split()[11:15]
    return sum(map(int, user_system_and_children)) / TICKS_PER_SECOND


def read_memory(pid: int) -> float:
    """Resident bytes of a process, its share of what it shares; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1]) * 1024
    return 0.0

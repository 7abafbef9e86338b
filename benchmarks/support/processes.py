"""Processes under measurement: counted together with their children, and ended with SIGKILL.

Their data is thrown away, so every stack is killed in the same way. Needs Linux (``/proc``).
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
    """A command that runs in the checkout; its output goes to ``log``.

    With ``pipes`` the caller gets its standard input and output.
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
        """Raise ``RuntimeError`` with the last output when the process has ended."""
        if self.process.poll() is not None:
            said = self.log.read_text(errors="replace")[-MAX_ERROR_CHARACTERS:]
            raise RuntimeError(f"{' '.join(self.command)} has ended:\n{said}")

    def cpu_seconds(self) -> float:
        """CPU time of all its processes, ended ones included."""
        return sum(read_cpu_seconds(pid) for pid in list_tree(self.process.pid))

    def memory(self) -> float:
        """Resident bytes of all its processes; shared pages count once."""
        return sum(read_memory(pid) for pid in list_tree(self.process.pid))

    def kill(self) -> None:
        """Kill the process and all its descendants."""
        for pid in list_tree(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def list_tree(pid: int) -> list[int]:
    """The ids of a process and its descendants."""
    found = [pid]
    for parent in found:
        for task in (PROC / str(parent) / "task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, task.read_text().split())
    return found


def read_cpu_seconds(pid: int) -> float:
    """CPU time of a process and of its ended children; 0 when it is gone."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return 0.0
    user_system_and_children = stat.rpartition(")")[2].split()[11:15]
    return sum(map(int, user_system_and_children)) / TICKS_PER_SECOND


def read_memory(pid: int) -> float:
    """Proportional resident bytes (PSS) of a process; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1]) * 1024
    return 0.0

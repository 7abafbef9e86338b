"""Processes under test: start them, read their output from a file, kill them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parents[3]
PROC = Path("/proc")
PF_EXITING = 0x4
"""The kernel's flag of a process that is about to end."""


class Program:
    """A command in its own process group, run in ``folder``; its output goes to ``log``."""

    def __init__(
        self, command: list[str], log: Path, environment: dict[str, str], folder: Path = ROOT
    ) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    @property
    def last_lines(self) -> str:
        """The last three lines of the output."""
        return "\n".join(self.output.splitlines()[-3:])

    @property
    def output(self) -> str:
        """The whole output so far."""
        return self.log.read_text(errors="replace")

    def wait_for_output(self, words: str, seconds: float = 30.0) -> None:
        """Wait until the output contains ``words``; fails at once when the process ends first."""
        wait_until(lambda: words in self.output or not self.is_running, seconds)
        assert words in self.output, f"exited with {self.process.poll()}:\n{self.output}"

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, not to its group."""
        self.process.send_signal(number)

    def wait(self, seconds: float = 15.0) -> int:
        """Wait for the end; returns the exit code, negative for a death by signal."""
        return self.process.wait(seconds * PATIENCE)

    def kill(self) -> None:
        """Kill the process and its group."""
        for number in (signal.SIGCONT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)
        self.process.wait(10)


def list_children(pid: int) -> list[int]:
    """The ids of the running child processes."""
    found: list[int] = []
    for task in (PROC / str(pid) / "task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return [child for child in found if is_alive(child)]


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    return read_state(pid) not in "ZX"


def is_asleep(pid: int) -> bool:
    """Whether the process sleeps (state S)."""
    return read_state(pid) == "S"


def is_still(pid: int) -> bool:
    """Whether the process does nothing more unless it is continued.

    It is stopped, has ended, or is about to: a kill that it has not noticed yet, or its end, which
    takes a while.
    """
    fields = read_stat(pid)
    if fields[0] in "TZX":
        return True
    flags, pending = int(fields[6]), int(fields[28])
    return bool(flags & PF_EXITING or pending & 1 << signal.SIGKILL - 1)


def read_state(pid: int) -> str:
    """The kernel's state of the process (R, S, T, Z ...); X when the process is gone."""
    return read_stat(pid)[0]


def read_stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the state on; only X when the process is gone."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return ["X"]
    return stat.rpartition(")")[2].split()


@contextmanager
def run_idle_process(code: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that does ``code``, writes a line, and waits until it is killed."""
    command = [sys.executable, "-c", f"import signal; {code}\nprint(flush=True); signal.pause()"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def find_pids_by_environment(entry: str) -> list[int]:
    """The running processes that were started with this ``NAME=value`` in their environment."""
    return [
        pid for pid in _list_pids() if is_alive(pid) and entry.encode() in _read_environment(pid)
    ]


def _list_pids() -> Iterator[int]:
    return (int(folder.name) for folder in PROC.iterdir() if folder.name.isdigit())


def _read_environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []

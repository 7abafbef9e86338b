"""Runs several processes: starts them together, restarts those that exit, stops them in order.

Prints each line of their output after their name. On Linux the processes end with the supervisor,
even when it is killed.
"""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Container, Mapping
from typing import IO

from project.errors import ContinuoError
from project.processes import detach_from_terminal

RESTART_PAUSE_SECONDS = 0.5
MAX_RESTART_PAUSE_SECONDS = 10.0
STABLE_AFTER_SECONDS = 10.0
WRONG_SETTINGS_EXIT_CODE = 2
"""The exit code of the API, and of Celery's command line, for wrong settings."""

MAX_FAILURES = 3
"""So many failed starts in a row stop everything; a kill by a signal does not count."""

SHOWN_LINES = 8
"""The last lines of a process that are shown then."""

COLOURS = (36, 33, 32, 35, 34, 31)

_output = threading.Lock()


class ManagedProcess:
    """A process that is restarted when it exits.

    ``waits_for_code``: after ``MAX_FAILURES`` it waits until its code changes, instead of stopping
    everything.
    """

    def __init__(
        self,
        name: str,
        command: str,
        environment: Mapping[str, str],
        *,
        waits_for_code: bool = False,
    ) -> None:
        self.name = name
        self.waits_for_code = waits_for_code
        self.is_renewed = False
        self.command = command
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None
        self.pause = RESTART_PAUSE_SECONDS
        self.started_at = 0.0
        self.restart_at: float | None = None
        self.failures = 0
        self.last_lines: deque[str] = deque(maxlen=SHOWN_LINES)

    def start(self) -> None:
        """Run the command: one simple command, which replaces its shell."""
        self.restart_at = None
        self.is_renewed = False
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S602 - a Procfile's lines are shell commands
            f"exec {self.command}",
            shell=True,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=detach_from_terminal,  # noqa: PLW1509 - sets two flags, takes no lock
        )
        if self.process.stdout:
            threading.Thread(
                target=forward_output,
                args=(self.name, self.process.stdout, self.last_lines),
                daemon=True,
            ).start()

    def supervise(self, now: float) -> None:
        """Schedule a restart when the process has exited; start it when it is due.

        Raises ``ContinuoError`` when it exited because its settings are wrong, or failed
        ``MAX_FAILURES`` times in a row.
        """
        if self.restart_at is not None:
            if now >= self.restart_at:
                self.start()
            return
        code = self.process.poll() if self.process else None
        if code is None:
            return
        if self.is_renewed:
            self.start()
            return
        if code == WRONG_SETTINGS_EXIT_CODE:
            raise ContinuoError(f"{self.name} refuses its settings; its lines above name the fault")
        lasted = now - self.started_at
        self.failures = self.failures + 1 if code > 0 and lasted < STABLE_AFTER_SECONDS else 0
        if self.failures >= MAX_FAILURES:
            if self.waits_for_code:
                print_line("up", f"{self.name} starts again when its code changes")
                self.restart_at = math.inf
                return
            lines = "".join(f"\n    {line}" for line in self.last_lines)
            raise ContinuoError(
                f"{self.name} failed {self.failures} times in a row; its last lines:{lines}"
            )
        self.pause = (
            RESTART_PAUSE_SECONDS
            if lasted > STABLE_AFTER_SECONDS
            else min(self.pause * 2, MAX_RESTART_PAUSE_SECONDS)
        )
        self.restart_at = now + self.pause
        print_line("up", f"{self.name} {describe_exit(code)}; started again in {self.pause:.1f} s")

    def renew(self) -> None:
        """Start it anew with changed code: now, or when it has ended after a SIGTERM."""
        self.failures = 0
        if self.restart_at is not None:
            self.restart_at = 0.0
            return
        self.is_renewed = True
        self.terminate()

    def terminate(self) -> None:
        """Send SIGTERM, if it runs."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def stop(self, grace: float) -> None:
        """Send SIGTERM, wait ``grace`` seconds, then kill the process and its children."""
        if not self.process or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            print_line("up", f"{self.name} did not end within {grace:.0f} s: killed")
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class ProcessSupervisor:
    """Keeps several processes running until they are stopped."""

    def __init__(self, processes: list[ManagedProcess], grace: float) -> None:
        self.processes = processes
        self.grace = grace

    def start(self) -> None:
        """Start all processes."""
        for process in self.processes:
            process.start()

    def is_running(self, name: str) -> bool:
        """Whether a process runs; its port was free before, so it is the one that answers."""
        return any(
            each.name == name and each.process is not None and each.process.poll() is None
            for each in self.processes
        )

    def supervise(self) -> None:
        """Restart processes that have exited; call this several times per second."""
        now = time.monotonic()
        for process in self.processes:
            process.supervise(now)

    def renew(self, names: Container[str]) -> None:
        """Start processes anew; each first finishes what it does."""
        for process in self.processes:
            if process.name in names:
                process.renew()

    def stop(self) -> None:
        """Stop the processes one after the other, in order."""
        for process in self.processes:
            process.stop(self.grace)

    def stop_at_once(self, seconds: float) -> None:
        """Stop all processes together within some seconds: what they wait for does not come."""
        for process in self.processes:
            process.terminate()
        end = time.monotonic() + seconds
        for process in self.processes:
            process.stop(max(end - time.monotonic(), 0.1))


def describe_exit(code: int) -> str:
    """Describe how a process ended; ``code`` is negative for a signal."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with {code}"


def forward_output(name: str, lines: IO[str], last_lines: deque[str]) -> None:
    """Print the output of a process line by line, after its name; keep the last lines."""
    with lines:
        for line in lines:
            last_lines.append(line.rstrip("\n"))
            print_line(name, line.rstrip("\n"))


def print_line(name: str, line: str) -> None:
    """Print one whole line; other threads wait meanwhile."""
    colour = COLOURS[sum(name.encode()) % len(COLOURS)]
    label = f"{name:<8}|"
    if sys.stdout.isatty():
        label = f"\x1b[{colour}m{label}\x1b[0m"
    with _output:
        print(label, line, flush=True)  # noqa: T201

"""A crew of processes: started together, restarted when they exit, stopped in order.

Each line they print is passed on behind their name. On Linux each ends with the
process that holds the crew, also when that is killed.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import IO

from project.processes import detach_from_terminal

RESTART_PAUSE_SECONDS = 0.5
MAX_RESTART_PAUSE_SECONDS = 10.0
STABLE_AFTER_SECONDS = 10.0
COLOURS = (36, 33, 32, 35, 34, 31)

_output = threading.Lock()


class ManagedProcess:
    """One process of the crew."""

    def __init__(self, name: str, command: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None
        self.pause = RESTART_PAUSE_SECONDS
        self.started_at = 0.0
        self.restart_at: float | None = None

    def start(self) -> None:
        """Run the command in a shell, which it replaces: one simple command."""
        self.restart_at = None
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
                target=forward_output, args=(self.name, self.process.stdout), daemon=True
            ).start()

    def supervise(self, now: float) -> None:
        """Plan a restart when the process has ended, and start it when it is time."""
        if self.restart_at is not None:
            if now >= self.restart_at:
                self.start()
            return
        code = self.process.poll() if self.process else None
        if code is None:
            return
        lasted = now - self.started_at
        self.pause = (
            RESTART_PAUSE_SECONDS
            if lasted > STABLE_AFTER_SECONDS
            else min(self.pause * 2, MAX_RESTART_PAUSE_SECONDS)
        )
        self.restart_at = now + self.pause
        print_line("up", f"{self.name} {describe_exit(code)}; started again in {self.pause:.1f} s")

    def stop(self, grace: float) -> None:
        """Ask it to end, wait ``grace`` seconds, then end it and all it started."""
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
    """Several members, kept running until told to stop."""

    def __init__(self, members: list[ManagedProcess], grace: float) -> None:
        self.members = members
        self.grace = grace

    def start(self) -> None:
        """Start them all."""
        for member in self.members:
            member.start()

    def supervise(self) -> None:
        """Restart whoever has ended."""
        now = time.monotonic()
        for member in self.members:
            member.supervise(now)

    def stop(self) -> None:
        """Stop them in order, each before the next."""
        for member in self.members:
            member.stop(self.grace)


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"exited with {code}"


def forward_output(name: str, lines: IO[str]) -> None:
    """Print each line behind the name of who said it."""
    with lines:
        for line in lines:
            print_line(name, line.rstrip("\n"))


def print_line(name: str, line: str) -> None:
    """One whole line, whoever else is speaking."""
    colour = COLOURS[sum(name.encode()) % len(COLOURS)]
    label = f"{name:<8}|"
    if sys.stdout.isatty():
        label = f"\x1b[{colour}m{label}\x1b[0m"
    with _output:
        print(label, line, flush=True)  # noqa: T201

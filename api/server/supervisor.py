"""Runs several server processes on one port and replaces those that die.

The application is imported before the processes are forked, so they share its memory and a
replacement serves within milliseconds. No connection is opened before the fork; each process
builds its own application.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple, NoReturn

_log = logging.getLogger("api.server.supervisor")

TICK_SECONDS = 1.0
"""The longest delay of a restart or a kill that is due."""

SETTLED_SECONDS = 10.0
"""Age after which the end of a process does not count as a failed start."""

FIRST_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 10.0
MAX_START_FAILURES = 5
"""Failed starts in a row after which the supervisor exits, with the exit code of the last one."""

_STOP = frozenset({signal.SIGTERM, signal.SIGINT})
_WATCHED = _STOP | {signal.SIGCHLD, signal.SIGALRM}

Serve = Callable[[], NoReturn]


class Child(NamedTuple):
    """A running server process; ``started`` is a time of the monotonic clock."""

    pid: int
    started: float


class Supervisor:
    """Keeps ``count`` processes running ``serve``; stops them within ``grace`` seconds."""

    def __init__(self, serve: Serve, count: int, grace: float) -> None:
        self._serve = serve
        self._count = count
        self._grace = grace
        self._children: dict[int, Child] = {}
        self._failures = 0
        self._pause = 0.0
        self._next_start = 0.0
        self._kill_at: float | None = None
        self._exit_code = 0
        self._lifeline = os.pipe()

    def run(self) -> int:
        """Supervise until a stop signal or ``MAX_START_FAILURES``. Returns the exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
        while not (self._is_stopping and not self._children):
            self._start_missing()
            self._handle(self._next_signal())
            self._reap()
            self._kill_overdue()
        return self._exit_code

    @property
    def _is_stopping(self) -> bool:
        return self._kill_at is not None

    def _next_signal(self) -> int:
        signal.setitimer(signal.ITIMER_REAL, self._until_next_start() or TICK_SECONDS)
        return signal.sigwait(_WATCHED)

    def _until_next_start(self) -> float:
        return min(max(self._next_start - monotonic(), 0.0), TICK_SECONDS)

    def _handle(self, signum: int) -> None:
        if signum in _STOP and not self._is_stopping:
            self._stop(0)

    def _stop(self, exit_code: int) -> None:
        self._exit_code = exit_code
        self._kill_at = monotonic() + self._grace
        self._send(signal.SIGTERM)

    def _kill_overdue(self) -> None:
        if self._kill_at is not None and monotonic() >= self._kill_at:
            self._send(signal.SIGKILL)

    def _send(self, signum: int) -> None:
        for pid in self._children:
            os.kill(pid, signum)

    def _start_missing(self) -> None:
        if self._is_stopping or monotonic() < self._next_start:
            return
        while len(self._children) < self._count:
            self._fork()

    def _fork(self) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_server()
        self._children[pid] = Child(pid, monotonic())

    def _become_server(self) -> NoReturn:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED - _STOP)
            self._tie_to_parent()
            self._serve()
        except BaseException:  # noqa: BLE001 - a child must not return into the supervisor's loop
            _log.exception("The server did not start")
        finally:
            os._exit(3)

    def _tie_to_parent(self) -> None:
        """Stop this process when the supervisor is gone, even after a kill.

        Only the supervisor holds the writing end of the pipe, so reading returns when it is dead.
        """
        reading, writing = self._lifeline
        os.close(writing)
        threading.Thread(target=_stop_after, args=(reading,), name="lifeline", daemon=True).start()

    def _reap(self) -> None:
        for child in list(self._children.values()):
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                del self._children[pid]
                self._note_end(child, os.waitstatus_to_exitcode(status))

    def _note_end(self, child: Child, code: int) -> None:
        """Count failed starts and schedule a restart; ``code`` is negative for a signal."""
        if self._is_stopping:
            return
        settled = monotonic() - child.started >= SETTLED_SECONDS
        self._failures = self._failures + 1 if code > 0 and not settled else 0
        if self._failures >= MAX_START_FAILURES:
            _log.error("Servers do not start: giving up after %d attempts", self._failures)
            self._stop(code)
            return
        self._pause = self._pause_after(code, settled=settled)
        self._next_start = monotonic() + self._pause
        _log.warning(
            "Server %d ended with %d; another starts in %.1f s", child.pid, code, self._pause
        )

    def _pause_after(self, code: int, *, settled: bool) -> float:
        if code == 0:  # it was asked to stop
            return 0.0
        if settled:
            return FIRST_PAUSE_SECONDS
        return min(max(self._pause * 2, FIRST_PAUSE_SECONDS), MAX_PAUSE_SECONDS)


def _stop_after(reading: int) -> None:
    os.read(reading, 1)
    os.kill(os.getpid(), signal.SIGTERM)

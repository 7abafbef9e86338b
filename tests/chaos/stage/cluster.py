"""A Valkey server and workers as processes that a row starts, kills, stops and restarts.

There is one thread. Every wait calls ``supervise_members``, which notes the processes that have
ended and restarts workers.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from project.local.valkey import EmbeddedValkey
from project.processes import detach_from_terminal
from tests.chaos.judge.ledger import Kill, RunLedger
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT, is_still, list_children
from tests.support.settings import list_all_variables

RESTART_AFTER_SECONDS = 0.7
POLL_SECONDS = 0.02
START_TIMEOUT_SECONDS = 90.0
STOP_TIMEOUT_SECONDS = 15.0


SETTING_NAMES = frozenset(list_all_variables())


class WaitTimedOut(AssertionError):
    """A condition did not become true within the time limit."""


class Deaths:
    """The time of each process's end, noted by the next call of ``look``.

    A process that is killed while it is stopped (SIGSTOP) ended when it was stopped: it did
    nothing since.
    """

    def __init__(self) -> None:
        self.at: dict[int, float] = {}
        self._stopped_at: dict[int, float] = {}
        self._watched: dict[int, int] = {}
        self._poll = select.poll()

    def watch(self, pids: Iterable[int]) -> None:
        """Watch for the end of these processes."""
        for pid in pids:
            if pid in self._watched.values() or pid in self.at:
                continue
            with contextlib.suppress(ProcessLookupError):
                handle = os.pidfd_open(pid)
                self._watched[handle] = pid
                self._poll.register(handle, select.POLLIN)

    def look(self) -> None:
        """Note the processes that have ended, and since when those stand that are stopped."""
        for handle, _ in self._poll.poll(0):
            self._poll.unregister(handle)
            os.close(handle)
            self.note(self._watched.pop(handle))
        self._stopped_at = {
            pid: self._stopped_at.get(pid, time.time())
            for pid in self._watched.values()
            if is_still(pid)
        }

    def note(self, pid: int) -> None:
        """Note that this process has ended now."""
        self.at.setdefault(pid, self._stopped_at.get(pid, time.time()))

    def end_all(self) -> None:
        """Kill all watched processes: some may outlive their parents."""
        for pid in self._watched.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Stop watching."""
        for handle in self._watched:
            os.close(handle)
        self._watched.clear()


class ClusterMember:
    """One worker, whose process is restarted under the same name."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], log: Path
    ) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.log = log
        self.prefix: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.restart_at = 0.0
        self.starts = 0

    @property
    def pid(self) -> int:
        """The id of the main process, or 0."""
        return self.process.pid if self.process else 0

    @property
    def is_running(self) -> bool:
        """Whether the main process has not ended."""
        return self.process is not None and self.process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether the worker takes jobs since its last start."""
        ready = self.log.read_bytes().count(b" ready.") if self.log.exists() else 0
        return self.is_running and ready >= self.starts

    def start(self) -> None:
        """Start the process without waiting until it is ready."""
        self.starts += 1
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [*self.prefix, *self.command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                preexec_fn=detach_from_terminal,  # noqa: PLW1509 - sets two flags, takes no lock
            )

    def supervise(self, now: float) -> bool:
        """Restart the process ``RESTART_AFTER_SECONDS`` after its end; True when it just ended."""
        if self.process is None or self.process.poll() is None:
            return False
        if not self.restart_at:
            self.restart_at = now + RESTART_AFTER_SECONDS
            return True
        if now >= self.restart_at:
            self.restart_at = 0.0
            self.start()
        return False

    def children(self) -> list[int]:
        """The ids of its running child processes."""
        return list_children(self.pid) if self.is_running else []

    def said(self, words: str) -> int:
        """How many times the output contains these words."""
        return self.log.read_text(errors="replace").count(words)


class Cluster:
    """A Valkey server with its data in ``folder``, and its workers."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 3,
        slots: int = 2,
        command: Iterable[str] = (),
        valkey_options: Iterable[str] = (),
        fsync: str = "everysec",
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        keep_it_all = ("--auto-aof-rewrite-percentage", "0")
        self.valkey = EmbeddedValkey(
            folder / "valkey", find_free_port(), *keep_it_all, *valkey_options, fsync=fsync
        )
        self.address = self.valkey.url
        self.ledger = RunLedger(folder / "ledger")
        self.deaths = Deaths()
        self.kills: list[Kill] = []
        self.killed = 0
        self.exits: list[str] = []
        self.command = list(command)
        self.slots = slots
        self.environment = environment or {}
        self.members = [self._member(f"w{number + 1}") for number in range(workers)]

    def _member(self, name: str) -> ClusterMember:
        return ClusterMember(name, [], {}, self.folder / f"{name}.log")

    def __enter__(self) -> Self:
        self.valkey.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, member: ClusterMember, broker_url: str | None = None) -> None:
        """Start a worker; ``broker_url`` defaults to the cluster's server."""
        member.command = [*self.command, f"--hostname={member.name}@chaos"]
        member.environment = self.build_environment() | {"REDIS_URL": broker_url or self.address}
        member.start()

    def build_environment(self) -> dict[str, str]:
        """The environment of processes: this one's without settings, plus those of the row."""
        return {
            **{name: value for name, value in os.environ.items() if name not in SETTING_NAMES},
            "PYTHONUNBUFFERED": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "REDIS_URL": self.address,
            "DATA_DIR": str(self.folder / "data"),
            "WORKER_CONCURRENCY": str(self.slots),
            **self.environment,
        }

    def start_workers(self) -> None:
        """Start every worker that is not started yet, and wait until all are ready."""
        for member in self.members:
            if member.process is None:
                self.start(member)
        self.wait_until(
            lambda: all(member.is_ready for member in self.members), START_TIMEOUT_SECONDS
        )

    def supervise_members(self) -> None:
        """Note the processes that have ended, and restart workers."""
        for member in self.members:
            self.deaths.watch([*member.children(), *([member.pid] if member.is_running else [])])
        self.deaths.look()
        now = time.monotonic()
        for member in self.members:
            if member.supervise(now) and member.process:
                self.exits.append(f"{member.name}: {member.process.returncode}")

    def wait_until(self, look: Callable[[], object], seconds: float, what: str = "") -> None:
        """Supervise until ``look`` is true. Raises ``WaitTimedOut`` after ``seconds``."""
        end = time.monotonic() + seconds
        while not look():
            if time.monotonic() >= end:
                raise WaitTimedOut(f"{what or 'not true'} within {seconds:g} s")
            self.supervise_members()
            time.sleep(POLL_SECONDS)

    def run_for(self, seconds: float) -> None:
        """Supervise for ``seconds``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.supervise_members()
            time.sleep(POLL_SECONDS)

    def kill(self, pids: Iterable[int], following: Iterable[int] = ()) -> Kill:
        """Kill processes; ``following`` are the processes that end as a consequence."""
        ended, others = list(pids), list(following)
        self.deaths.watch([*ended, *others])
        at = time.time()
        for pid in ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in ended:
            self.deaths.note(pid)  # a killed process makes no step after os.kill returns
        kill = Kill(at, frozenset((*ended, *others)))
        self.kills.append(kill)
        return kill

    def kill_main(self, member: ClusterMember) -> Kill:
        """Kill a worker's main process; its pool processes die with it."""
        pool = member.children()
        self.killed += len(pool)
        return self.kill([member.pid], pool)

    def kill_child(self, member: ClusterMember, index: int) -> Kill | None:
        """Kill one of a worker's pool processes; None when it has none."""
        pool = member.children()
        if not pool:
            return None
        self.killed += 1
        return self.kill([pool[index % len(pool)]])

    def kill_everything(self) -> Kill:
        """Kill all processes of all workers at once."""
        mains = [member.pid for member in self.members if member.is_running]
        pools = [pid for member in self.members for pid in member.children()]
        self.killed += len(pools)
        return self.kill([*mains, *pools])

    def signal(self, member: ClusterMember, number: signal.Signals) -> None:
        """Send a signal to all processes of a worker."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(member.pid, number)

    def kill_valkey(self) -> None:
        """Kill the server."""
        if self.valkey.process:
            self.valkey.process.kill()
            self.valkey.process.wait(STOP_TIMEOUT_SECONDS)

    def cut_valkey(self, count: int) -> None:
        """Cut the last bytes off the file of the killed server."""
        folder = self.valkey.folder / "appendonlydir"
        last = max(folder.glob("*.incr.aof"), key=lambda path: path.stat().st_mtime)
        with last.open("r+b") as file:
            file.truncate(max(last.stat().st_size - count, 0))

    def stop_valkey(self) -> None:
        """Stop the server with SIGTERM."""
        if self.valkey.process:
            self.valkey.process.terminate()
            self.valkey.process.wait(STOP_TIMEOUT_SECONDS)

    def restart_valkey(self) -> float:
        """Start the server again on its data; the time at which it answers."""
        self.valkey.supervise()
        return time.time()

    def member_of(self, worker: str) -> ClusterMember:
        """The worker with this Celery name."""
        return next(member for member in self.members if f"{member.name}@chaos" == worker)

    def kill_members(self) -> None:
        """Kill all workers."""
        for member in self.members:
            if member.process and member.process.poll() is None:
                self.signal(member, signal.SIGKILL)
                member.process.wait(STOP_TIMEOUT_SECONDS)

    def stop(self) -> None:
        """Kill all workers and stop the server."""
        self.kill_members()
        self.deaths.look()
        self.deaths.end_all()
        self.deaths.close()
        self.valkey.stop()

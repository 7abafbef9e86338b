"""The processes that run jobs: held still, let go, ended, and one job of them stopped.

The solo and thread pools have no processes of their own: there a job can only be
asked to stop (``Job.checkpoint``).
"""

import logging
import os
import re
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from billiard.common import human_status
from celery.worker import state

from project.errors import StoreUnavailable
from project.store.client import Store
from project.store.commands import attempts, workers
from project.store.commands.attempts import Verdict

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5
INSIST_EVERY = 0.1
"""Seconds between looks, while nothing and while something is to be stopped."""

TERM_AFTER = 0.3
"""Seconds a job has to stop at a checkpoint before its process gets SIGTERM."""

KILL_AFTER = 1.0
"""Seconds after which its process is killed."""


class MemoryWatch:
    """Tells a process that the kernel killed for want of memory from one killed otherwise."""

    def __init__(self) -> None:
        self._seen = kernel_kills()

    def explain(self, cause: str) -> str:
        """The cause of a death, with the kernel's part in it."""
        if "SIGKILL" not in cause:
            return cause
        before, self._seen = self._seen, kernel_kills()
        return f"{cause} (out of memory)" if self._seen > before else cause


def kernel_kills() -> int:
    """How many processes this kernel has killed for want of memory."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


class Pool:
    """The pool processes of this worker."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self.still = False
        self._known: dict[int, Any] = {}
        self._memory = MemoryWatch()

    def hold_still(self) -> None:
        """Stop the processes where they are."""
        if not self.still:
            log.warning("jobs are held still")
            self.still = True
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them continue."""
        if self.still:
            log.warning("jobs go on")
            self.still = False
            self._signal(signal.SIGCONT)

    def replace_dead(self) -> None:
        """Notice those that ended: their jobs are given back and others take their place."""
        if self.processes():
            self.worker.pool._pool.maintain_pool()  # noqa: SLF001 - Celery does it every 5 s

    def bury(self, store: Store) -> None:
        """Give back what processes had taken by themselves that have died.

        Who holds something is asked first: who has, and is not among the living then, has died,
        however short its life was.
        """
        worker = self.worker.app.worker_id
        takers = store.run(workers.list_process_claims(worker))
        living = {process.pid: process for process in self._processes()}
        self._known |= living
        for pid in takers - living.keys():
            cause = self._memory.explain(f"Worker exited prematurely: {self._end_of(pid)}.")
            store.run(workers.requeue_dead_process(worker, f"p{pid}.", cause))
        self._known = living

    def _end_of(self, pid: int) -> str:
        process = self._known.get(pid)
        return str(human_status(process.exitcode)) if process else "nobody saw how"

    def kill(self) -> None:
        """End them now."""
        self._signal(signal.SIGKILL)

    def processes(self) -> frozenset[int]:
        """Their process ids."""
        return frozenset(process.pid for process in self._processes())

    def _processes(self) -> list[Any]:
        processes = getattr(getattr(self.worker.pool, "_pool", None), "_pool", None)
        if not isinstance(processes, list):
            return []
        return [process for process in tuple(processes) if hasattr(process, "pid")]

    def _signal(self, number: signal.Signals) -> None:
        send(self.processes(), number)


class CancellationMonitor:
    """Stops running jobs that somebody cancelled: asks, then insists."""

    def __init__(self, store: Store, worker_id: str, pool: Pool) -> None:
        self.store = store
        self.worker_id = worker_id
        self.pool = pool
        self._asked_at: dict[str, float] = {}
        self._terminated: set[str] = set()

    def look(self) -> float:
        """One round over the jobs this worker is asked to stop; seconds until the next."""
        wanted = self.store.run(attempts.list_cancel_requests(self.worker_id))
        now = time.monotonic()
        self._asked_at = {job_id: self._asked_at.get(job_id, now) for job_id in wanted}
        self._terminated.intersection_update(wanted)
        for job_id, asked_at in self._asked_at.items():
            self._insist(job_id, wanted[job_id], now - asked_at)
        return INSIST_EVERY if wanted else LOOK_EVERY

    def _insist(self, job_id: str, token: str, waited: float) -> None:
        process = process_of(job_id, token)
        if process not in self.pool.processes():
            return
        if waited >= KILL_AFTER:
            self._end(job_id, token, process)
        elif waited >= TERM_AFTER and job_id not in self._terminated:
            self._terminated.add(job_id)
            send([process], signal.SIGTERM)

    def _end(self, job_id: str, token: str, process: int) -> None:
        """Kill the process if it is still at this very attempt, which holding it still decides."""
        send([process], signal.SIGSTOP)
        try:
            verdict = self.store.run(attempts.end_cancelled(job_id, token=token))
        except StoreUnavailable:
            send([process], signal.SIGCONT)
            raise
        send([process], signal.SIGCONT if verdict is Verdict.REFUSED else signal.SIGKILL)
        log.warning("job %s: cancelled, its process was ended: %s", job_id, verdict)


def process_of(job_id: str, token: str) -> int:
    """The pool process that runs an attempt: one that it took itself has the process in its serial.

    0 when nobody knows (yet).
    """
    if own := re.search(r"#p(\d+)\.", token):
        return int(own[1])
    running = (each for each in tuple(state.active_requests) if each.id == job_id)
    return getattr(next(running, None), "worker_pid", None) or 0


def send(processes: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may be gone."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)

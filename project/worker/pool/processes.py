"""The processes that run a worker's jobs: suspended, resumed, killed, and replaced when dead.

The solo and thread pools have no processes of their own: there a job can only be asked to stop
(``Job.checkpoint``).
"""

import logging
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock
from typing import Any

from project.store.client import Store
from project.store.commands import workers
from project.worker import celery_internals
from project.worker.memory import MemoryWatch

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""Seconds between two looks for dead processes. A job pool says at once when one ends."""


class PoolProcesses:
    """The pool processes of this worker, whichever process pool it has."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self.is_suspended = False
        self._known: dict[int, Any] = {}
        self._memory = MemoryWatch()
        self._requeuing = Lock()

    def suspend(self) -> None:
        """Stop the processes where they are: the worker's lease is in doubt."""
        if not self.is_suspended:
            log.warning("jobs are suspended")
            self.is_suspended = True
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them continue."""
        if self.is_suspended:
            log.warning("jobs are resumed")
            self.is_suspended = False
            self._signal(signal.SIGCONT)

    def requeue_dead(self, store: Store) -> float:
        """Requeue what processes had claimed that are dead now; the seconds until the next look.

        The claims are read first: a process that has one, and is not among the living after
        that, has died, however short its life was.
        """
        worker = self.worker.app.worker_id
        with self._requeuing:
            claiming = store.run(workers.list_process_claims(worker))
            living = {process.pid: process for process in self._list()}
            self._known |= living | self._list_ended()
            for pid in claiming - living.keys():
                cause = self._memory.explain(f"Worker exited prematurely: {self._end_of(pid)}.")
                count = store.run(workers.requeue_dead_process(worker, f"p{pid}.", cause))
                log.warning("process %d: %s %d jobs requeued", pid, cause, count)
            self._known = living
        return LOOK_SECONDS

    def ask_to_stop(self, job_ids: Iterable[str]) -> bool:
        """Ask processes that run several jobs each to stop some; False when there are none."""
        ask = getattr(self.worker.pool, "ask_to_stop", None)
        return bool(ask and ask(list(job_ids)))

    def kill(self) -> None:
        """Kill them now."""
        self._signal(signal.SIGKILL)

    def pids(self) -> frozenset[int]:
        """Their process ids."""
        return frozenset(process.pid for process in self._list())

    def _end_of(self, pid: int) -> str:
        process = self._known.get(pid)
        return celery_internals.describe_exit(process.exitcode) if process else "unknown status"

    def _list(self) -> list[Any]:
        pool = self.worker.pool
        own = getattr(pool, "living", None)
        return own() if own else celery_internals.prefork_processes(pool)

    def _list_ended(self) -> dict[int, Any]:
        """The last processes that have ended, by process id; {} in Celery's own pools."""
        ended = getattr(self.worker.pool, "last_ended", ())
        return {process.pid: process for process in tuple(ended)}

    def _signal(self, number: signal.Signals) -> None:
        send_signal(self.pids(), number)


def send_signal(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may be gone."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

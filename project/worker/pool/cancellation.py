"""Stops running jobs that were cancelled: asks first, then insists."""

import logging
import re
import signal
import time

from celery.worker import state

from project.errors import StoreUnavailable
from project.store.client import Store
from project.store.commands import attempts
from project.store.commands.attempts import Verdict
from project.worker.pool.processes import PoolProcesses, send_signal

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
INSIST_SECONDS = 0.1
"""Seconds between looks, while nothing and while something is to be stopped."""

TERM_AFTER_SECONDS = 0.3
"""Seconds a job has to stop at a checkpoint before its process gets SIGTERM."""

KILL_AFTER_SECONDS = 1.0
"""Seconds after which its process is killed."""


class CancellationMonitor:
    """Stops running jobs that somebody cancelled: asks, then insists."""

    def __init__(self, store: Store, worker_id: str, pool: PoolProcesses) -> None:
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
        if self.pool.ask_to_stop(wanted):
            return INSIST_SECONDS if wanted else LOOK_SECONDS
        for job_id, asked_at in self._asked_at.items():
            self._insist(job_id, wanted[job_id], now - asked_at)
        return INSIST_SECONDS if wanted else LOOK_SECONDS

    def _insist(self, job_id: str, token: str, waited: float) -> None:
        process = process_of(job_id, token)
        if process not in self.pool.pids():
            return
        if waited >= KILL_AFTER_SECONDS:
            self._end(job_id, token, process)
        elif waited >= TERM_AFTER_SECONDS and job_id not in self._terminated:
            self._terminated.add(job_id)
            send_signal([process], signal.SIGTERM)

    def _end(self, job_id: str, token: str, process: int) -> None:
        """Kill the process if it is still at this very attempt, which holding it still decides."""
        send_signal([process], signal.SIGSTOP)
        try:
            verdict = self.store.run(attempts.end_cancelled(job_id, token=token))
        except StoreUnavailable:
            send_signal([process], signal.SIGCONT)
            raise
        send_signal([process], signal.SIGCONT if verdict is Verdict.REFUSED else signal.SIGKILL)
        log.warning("job %s: cancelled, its process was ended: %s", job_id, verdict)


def process_of(job_id: str, token: str) -> int:
    """The pool process that runs an attempt, 0 when that is not known (yet).

    A process that claimed the job itself is named in the serial of its token.
    """
    if own := re.search(r"#p(\d+)\.", token):
        return int(own[1])
    running = (each for each in tuple(state.active_requests) if each.id == job_id)
    return getattr(next(running, None), "worker_pid", None) or 0

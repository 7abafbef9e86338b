"""What a worker runs, told to Redis, which compares it with its records (``upkeep.guard``)."""

from itertools import count
from typing import Any

from celery.worker import state

from project.store.client import Store
from project.store.commands import guard
from project.store.commands.guard import WorkerReport
from project.worker.pool.job_pool import JobPool


class WorkReporter:
    """Tells regularly which attempts run in this worker."""

    def __init__(self, worker: Any, store: Store, seconds: float) -> None:
        self.worker = worker
        self.store = store
        self.seconds = seconds
        self._numbers = count(1)
        self._as_of = 0.0

    def report(self) -> float:
        """Report; the seconds until the next time."""
        about = WorkerReport(self._as_of, *self.collect())
        command = guard.report(self.worker.app.worker_id, next(self._numbers), about)
        self._as_of = self.store.run(command)
        return self.seconds

    def count_running(self) -> int:
        """How many jobs run."""
        pool = self.worker.pool
        return pool.count_busy() if isinstance(pool, JobPool) else len(state.active_requests)

    def collect(self) -> tuple[list[str], dict[str, int]]:
        """The serials of what runs; of each pool process the claim before which all are over."""
        pool = self.worker.pool
        if isinstance(pool, JobPool):
            settled = pool.list_settled()  # first: a job that ends now is over in Redis, too
            return pool.list_serials(), settled
        requests = {*tuple(state.active_requests), *tuple(state.reserved_requests)}
        return [request.request_dict["delivery"] for request in requests], {}

"""How many processes ``--autoscale`` keeps, where processes claim jobs by themselves."""

from typing import Any

from celery.worker.autoscale import Autoscaler

from project.worker.pool.job_pool import JobPool


class JobAutoscaler(Autoscaler):
    """Grows by one process a second while all are busy, and shrinks when some are idle."""

    @property
    def qty(self) -> int:
        """How many processes there is work for."""
        if not isinstance(self.pool, JobPool):
            count: int = super().qty
            return count
        busy = self.pool.count_busy()
        return busy + 1 if busy == self.processes else busy


def scale(worker: Any) -> None:
    """Look whether the pool of a worker should grow or shrink."""
    if worker.autoscaler:
        worker.autoscaler.maybe_scale()

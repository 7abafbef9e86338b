"""A client that keeps sending jobs during faults of the broker."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any, NamedTuple
from uuid import uuid4

from kombu.exceptions import OperationalError

from project.errors import DuplicateJob, StoreUnavailable

GIVE_UP_SECONDS = 120.0
PAUSE_SECONDS = 0.1


class LoadJob(NamedTuple):
    """A job to send: the name of its kind and its arguments."""

    kind: str
    args: Sequence[Any]


class LoadThread(threading.Thread):
    """Sends jobs at a steady rate, and sends a refused job again with the same id.

    ``accepted`` has the kind of each accepted job, by id.
    """

    def __init__(
        self, send: Callable[..., Any], orders: Sequence[LoadJob], *, total: int, rate: float
    ) -> None:
        super().__init__(name="load", daemon=True)
        self._send = send
        self.orders = list(islice(cycle(orders), total))
        self.rate = rate
        self.accepted: dict[str, str] = {}
        self.refusals: Counter[str] = Counter()
        self.stopped = threading.Event()

    def run(self) -> None:
        """Send all jobs, or until ``stop`` is called."""
        started = time.monotonic()
        for number, order in enumerate(self.orders):
            self.stopped.wait(max(started + number / self.rate - time.monotonic(), 0.0))
            if self.stopped.is_set():
                return
            self._insist(order)

    def stop(self) -> None:
        """Send no more jobs."""
        self.stopped.set()

    def _insist(self, order: LoadJob) -> None:
        job_id, end = str(uuid4()), time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < end and not self.stopped.is_set():
            try:
                self._send(order.kind, order.args, task_id=job_id)
            except DuplicateJob:
                pass  # the job was accepted before, only the answer was lost
            except (StoreUnavailable, OperationalError, RuntimeError) as problem:
                self.refusals[str(problem)[:80]] += 1
                self.stopped.wait(PAUSE_SECONDS)
                continue
            self.accepted[job_id] = order.kind
            return

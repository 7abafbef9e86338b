"""A job that a pool process runs, as the main process and Celery's remote control see it."""

import logging
import time
from functools import cached_property
from typing import Any

from project.store.commands import attempts, queries, workers
from project.worker.process.received import Received, parse_received
from project.worker.process.slot import RunningAttempt
from project.worker.request import JobRequest

log = logging.getLogger(__name__)


class RunningJob:
    """Stands for Celery's ``Request`` in the worker's state; made from the slot of a process."""

    def __init__(self, app: Any, hostname: str, pid: int, attempt: RunningAttempt) -> None:
        self.app = app
        self.hostname = hostname
        self.worker_pid = pid
        self.attempt = attempt
        self.id = attempt.job_id
        self.name = self.task_name = attempt.kind
        self.time_start = attempt.started_at

    @property
    def task(self) -> Any:
        """The task it runs."""
        return self.app.tasks[self.name]

    @property
    def token(self) -> str:
        """Names its attempt in every state change."""
        return f"{self.app.worker_id}#{self.attempt.serial}"

    @property
    def stamps(self) -> dict[str, Any]:
        """Celery's stamps, by header."""
        return self.request.stamps if self.request else {}

    @cached_property
    def request(self) -> JobRequest | None:
        """Celery's request; None when its message is gone."""
        received = self._received
        if received is None:
            return None
        return JobRequest(received.to_kombu(), app=self.app, hostname=self.hostname, task=self.task)

    def info(self, safe: bool = False) -> dict[str, Any]:
        """What ``inspect active`` shows; without arguments when the kind hides them."""
        about = self.request.info(safe=safe) if self.request else {"id": self.id, "name": self.name}
        return about | {
            "time_start": self.time_start,
            "worker_pid": self.worker_pid,
            "acknowledged": False,
        }

    def terminate(self, pool: Any, signal: Any = None) -> None:
        """Cancel the job: Flower's button and ``revoke(terminate=True)`` come here."""
        self.app.store.run(attempts.cancel(self.id))

    def fail_overdue(self) -> bool:
        """Fail the job because its time is over; False when its record has gone on."""
        request = self.request
        record = self.app.store.run(queries.read_record(self.id))
        if request is None or record is None or record.is_final:
            return False
        limit = round(
            self.attempt.hard_limit_at - time.monotonic() + time.time() - self.time_start, 1
        )
        request.on_timeout(soft=False, timeout=limit)
        self.app.store.run(workers.ack(self.app.worker_id, [self.attempt.serial]))
        return True

    @cached_property
    def _received(self) -> Received | None:
        text = self.attempt.message
        if not text:
            held = workers.read_held(self.app.worker_id, self.attempt.serial)
            text = self.app.store.run(held)
        return parse_received(text, self.attempt.serial) if text else None

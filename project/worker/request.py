"""A message in a worker's hands, as its main process sees it."""

from itertools import count
from typing import Any

from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.exceptions import Ignore
from celery.utils.log import get_logger
from celery.worker import state
from celery.worker.request import Request

from project.job.running.ignored import end_without_result
from project.messages.options import EXPIRES_AFTER_HEADER
from project.records.record import TaskStatus
from project.store.commands import attempts, jobs, queries
from project.store.commands.attempts import RequeueResult
from project.worker.memory import MemoryWatch

log = get_logger(__name__)

MEMORY = MemoryWatch()
DELIVERIES = count(1)


class JobRequest(Request):
    """Knows its delivery, and what to do when its process dies or it is to be stopped."""

    cause = ""

    def __init__(self, message: Any, **about: Any) -> None:
        super().__init__(message, **about)
        # RabbitMQ counts anew on each connection, while jobs of the last one may still run
        delivery = f"r{next(DELIVERIES)}" if self.app.publisher else message.delivery_tag
        self.request_dict["delivery"] = delivery

    @property
    def token(self) -> str:
        """Who runs it, as told with every move."""
        token: str = self.app.attempt_token(self._context)
        return token

    def on_failure(
        self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False
    ) -> None:
        """Give back a job whose process died or that never began; else let Celery fail it."""
        exc = exc_info.exception
        lost = exc.exc if isinstance(exc, ExceptionWithTraceback) else exc
        if isinstance(lost, TimeLimitExceeded) and not self.has_begun():
            log.warning("job %s: its time was over before it could begin", self.id)
            state.task_ready(self)
            self.reject(requeue=True)
            return
        if isinstance(lost, WorkerLostError):
            self.cause = MEMORY.explain(str(lost))
        if isinstance(lost, Ignore):
            end_without_result(self.app, self.id, self.token, lost)
        super().on_failure(exc_info, send_failed_event, return_ok)

    def info(self, safe: bool = False) -> dict[str, Any]:
        """What ``inspect`` is told; without the arguments when the kind hides them."""
        about: dict[str, Any] = super().info(safe=safe or self.task.hides_arguments)
        return about

    def has_begun(self) -> bool:
        """Whether the record says that this attempt, or a later one, has begun."""
        record = self.app.store.run(queries.read_record(self.id))
        waits = record and record.status in (TaskStatus.PENDING, TaskStatus.RETRYING)
        return not (waits and record.attempts == self.request_dict.get("retries", 0))

    def maybe_expire(self) -> bool:
        """Whether it is too late to begin, by the clock of Redis.

        Seconds count from when the job was ordered, if the moment that the sender made of them
        is earlier: its clock may be behind.
        """
        if not self.expires:
            return False
        now, ordered_at = self.app.store.run(jobs.read_clock(self.id))
        expires_at = self.expires.timestamp()
        seconds = self.request_dict.get(EXPIRES_AFTER_HEADER)
        if seconds is not None and ordered_at is not None:
            expires_at = max(expires_at, ordered_at + seconds)
        return bool(now > expires_at)

    def terminate(self, pool: Any, signal: Any = None) -> None:
        """Cancel the job: Flower's button and ``revoke(terminate=True)`` come here."""
        self.app.store.run(attempts.cancel(self.id))

    def reject(self, requeue: bool = False) -> None:
        """Give the job back when its process died: counted, and not for ever."""
        if not requeue:
            super().reject(requeue)
            return
        fate = self.app.store.run(attempts.interrupt(self.id, token=self.token, cause=self.cause))
        log.warning("job %s: attempt lost (%s), message %s", self.id, self.cause, fate)
        if fate is RequeueResult.RETURNED:
            super().reject(requeue=True)
        else:
            self.acknowledge()

"""The worker's consumer: back at work within seconds of a broker's return."""

import logging
from collections.abc import Iterator
from typing import Any

from celery.concurrency.asynpool import AsynPool
from celery.worker import state
from celery.worker.consumer import Consumer
from kombu.utils.json import dumps as json_dumps

from project.messages.builder import MAX_ATTEMPTS_HEADER
from project.records.record import DEFAULT_MAX_RETRIES
from project.store.commands import jobs, workers
from project.store.commands.message import Message
from project.worker.transport import HANDS

log = logging.getLogger(__name__)

RECONNECT_EVERY = 0.5
"""Seconds between attempts to connect; Celery's own wait grows to half a minute."""


class SwiftConsumer(Consumer):
    """``worker_consumer = "project.worker.consumer:SwiftConsumer"``.

    Workers do not ask each other at the start (a second) nor gossip: what they
    need to know of each other is in Redis.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, without_mingle=True, without_gossip=True)

    def on_close(self) -> None:
        """Lose the connection, but not sight of jobs that the pool has or may have begun.

        Celery forgets those whose process has not said yet that it began, though it runs
        them; their messages would be given back and the jobs run twice.
        """
        state.active_requests.update(self._begun())
        super().on_close()

    def _begun(self) -> Iterator[Any]:
        """Jobs the pool will run whatever happens; marks them as begun."""
        pool = getattr(self.pool, "_pool", None)
        if not isinstance(pool, AsynPool):
            yield from tuple(state.reserved_requests)
            return
        for job in tuple(pool._cache.values()):  # noqa: SLF001 - nothing else knows
            if job._write_to and job.correlation_id in state.requests:  # noqa: SLF001
                job._accepted = True  # noqa: SLF001
                job._worker_pid = job._write_to.pid  # noqa: SLF001
                yield state.requests[job.correlation_id]

    def connect(self) -> Any:
        """Connect; what this worker held before and does not run goes back to the queue."""
        connection = super().connect()
        HANDS.ahead.clear()
        self.app.store.reconnect()
        running = [str(request.message.delivery_tag) for request in tuple(state.active_requests)]
        count = self.app.store.run(workers.requeue_unstarted(self.app.worker_id, running))
        if count:
            log.warning("%d messages given back after a lost connection", count)
        return connection

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, trying again at a steady pace until told to stop."""

        def report(problem: Exception, interval: float) -> None:
            log.warning("broker away (%s), next try in %.1f s", problem, interval)

        return conn.ensure_connection(
            report,
            self.app.conf.broker_connection_max_retries,
            interval_start=RECONNECT_EVERY,
            interval_step=0,
            interval_max=RECONNECT_EVERY,
            callback=state.maybe_shutdown,
        )

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Fail a job whose kind nobody knows here, also when it came without a record."""
        headers = message.headers
        args, kwargs, _ = message.payload
        stranger = Message(
            id=headers["id"],
            kind=headers["task"],
            queue="",
            text="",
            payload=json_dumps([args, kwargs]),
            max_retries=headers.get(MAX_ATTEMPTS_HEADER) or DEFAULT_MAX_RETRIES,
        )
        self.app.store.run(jobs.register(stranger, retries=headers.get("retries") or 0))
        super().on_unknown_task(body, message, exc)

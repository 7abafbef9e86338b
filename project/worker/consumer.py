"""The worker's consumer: back at work within seconds of a broker's return."""

import logging
from collections.abc import Iterable
from typing import Any

from celery.bootsteps import ConsumerStep
from celery.worker import state
from celery.worker.consumer import Consumer
from kombu.utils.json import dumps as json_dumps

from project.messages.options import MAX_ATTEMPTS_HEADER
from project.records.record import DEFAULT_MAX_RETRIES
from project.store.commands import jobs, workers
from project.store.commands.message import Message
from project.worker import celery_internals, remote_control  # noqa: F401 - registers its commands
from project.worker.pool.job_pool import JobPool
from project.worker.process.orders import OrderSheet
from project.worker.upkeep.declared_limits import put_declared_limits

log = logging.getLogger(__name__)

START_DELAY_SECONDS = 0.01
"""The event loop subscribes to remote control in its first round; jobs begin after that."""

RECONNECT_EVERY = 0.5
"""Seconds between attempts to connect; Celery's own wait grows to half a minute."""


class SwiftConsumer(Consumer):
    """``worker_consumer = "project.worker.consumer:SwiftConsumer"``.

    Workers do not ask each other at the start (a second) nor gossip: what they
    need to know of each other is in Redis.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.is_listening = False
        super().__init__(*args, **kwargs, without_mingle=True, without_gossip=True)

        self.cancelled_queues: set[str] = set()

    def on_close(self) -> None:
        """Lose the connection, but not sight of jobs that the pool has or may have begun.

        Celery forgets those whose process has not said yet that it began, though it runs
        them; their messages would be given back and the jobs run twice.
        """
        celery_internals.mark_begun(self.pool)
        super().on_close()

    def on_ready(self) -> None:
        """Let the pool processes take jobs, once this process listens to remote control."""
        super().on_ready()
        self.is_listening = True
        if isinstance(self.pool, JobPool):
            self.tell_events()
            self.hub.call_later(START_DELAY_SECONDS, self.tell_queues)

    def add_task_queue(self, *args: Any, **options: Any) -> None:
        """Take jobs from one more queue: ``control.add_consumer``."""
        super().add_task_queue(*args, **options)
        self.cancelled_queues -= {queue.name for queue in self.task_consumer.queues}
        self.tell_queues()

    def take_from(self, names: Iterable[str]) -> None:
        """Take jobs from queues that have come to exist."""
        if self.task_consumer is None:  # the connection is lost; they are found again
            return
        for name in names:
            super().add_task_queue(name)
        self.tell_queues()

    def cancel_task_queue(self, queue: str) -> None:
        """Take no more jobs from a queue: ``control.cancel_consumer``."""
        super().cancel_task_queue(queue)
        self.cancelled_queues.add(queue)
        self.tell_queues()

    def reset_rate_limits(self) -> None:
        """Follow ``control.rate_limit``: with Redis, a limit of the whole system says it."""
        super().reset_rate_limits()
        if self.is_listening and not self.app.publisher:
            has_rates = not self.disable_rate_limits
            put_declared_limits(self.app.store, self.app.tasks, has_rates=has_rates)

    def bucket_for_task(self, task: Any) -> Any:
        """Celery's own bucket for a kind, which holds for this worker alone: for RabbitMQ."""
        return super().bucket_for_task(task) if self.app.publisher else None

    def tell_queues(self) -> None:
        """Tell the pool processes which queues to take from."""
        if isinstance(self.pool, JobPool):
            names = [queue.name for queue in self.task_consumer.queues]
            other = self.list_step_queues()
            self.pool.tell(OrderSheet(queues=[name for name in names if name not in other]))

    def list_step_queues(self) -> set[str]:
        """The queues that each ``ConsumerStep`` of the app consumes itself."""
        steps = [step for step in self.steps if isinstance(step, ConsumerStep)]
        consumers = [consumer for step in steps for consumer in step.consumers or ()]
        return {queue.name for consumer in consumers for queue in consumer.queues}

    def tell_events(self) -> None:
        """Tell the pool processes whether somebody listens to task events."""
        if isinstance(self.pool, JobPool):
            self.pool.tell(OrderSheet(events=wants_task_events(self.event_dispatcher)))

    def connect(self) -> Any:
        """Connect; what this worker held before and does not run goes back to the queue."""
        connection = super().connect()
        hold_jobs = getattr(connection.default_channel, "hold_jobs", None)
        if hold_jobs:  # no other broker
            hold_jobs()
        self.app.store.reconnect()
        if isinstance(self.pool, JobPool):
            return connection
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


def wants_task_events(dispatcher: Any) -> bool:
    """Whether Flower or somebody else listens to the events of each job."""
    if not (dispatcher and dispatcher.enabled):
        return False
    return not dispatcher.groups or "task" in dispatcher.groups

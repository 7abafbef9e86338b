"""The RabbitMQ transport: kombu's, but a purge cancels the jobs of the messages it throws away."""

from typing import Any

from celery import current_app
from kombu.transport import pyamqp

from project.records.record import TaskStatus
from project.store.commands import attempts, canvas, queries

REASON = "cancelled: its message was purged"


class Channel(pyamqp.Channel):
    """A channel whose purge looks at each message."""

    def queue_purge(self, queue: str = "", **options: Any) -> int:
        """Throw away the messages of a queue: how many.

        The message of a job that has ended stays while the jobs after it in its canvas are still to
        be told.
        """
        if not hasattr(current_app, "store"):
            count: int = super().queue_purge(queue, **options)
            return count
        thrown_away, kept = 0, []
        for _ in range(self.queue_declare(queue, passive=True).message_count):
            found = self.basic_get(queue)
            if found is None:  # a worker was quicker
                break
            message = self.message_to_python(found)
            if is_needed(message.headers or {}):
                kept.append(message)
            else:
                message.ack()
                thrown_away += 1
        for message in kept:
            message.reject(requeue=True)
        return thrown_away


def is_needed(headers: dict[str, Any]) -> bool:
    """Cancel the job that waits for a message; whether others must still be told of its end."""
    store, job_id = current_app.store, str(headers.get("id"))
    record = store.run(queries.read_record(job_id))
    waits = record and record.status in (TaskStatus.PENDING, TaskStatus.RETRYING)
    if waits and record.attempts == headers.get("retries"):
        store.run(attempts.cancel(job_id, reason=REASON))
    return bool(store.run(canvas.read_place(job_id)).is_unsettled)


class Connection(pyamqp.Connection):
    """A connection with such channels."""

    Channel = Channel


class Transport(pyamqp.Transport):
    """``broker_transport = "project.worker.rabbitmq:Transport"``."""

    Connection = Connection

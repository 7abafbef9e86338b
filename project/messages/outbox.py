"""Messages by another broker than Redis: record first, then message, until it is confirmed.

A job is noted in Redis together with its message, then the message is published
to RabbitMQ, then the note is removed. Whoever dies in between leaves a note that a
worker's upkeep sends again; a message that went twice runs once, since the second
is refused at its start.
"""

import base64
import logging
from typing import TYPE_CHECKING, Any

import msgspec
from kombu.exceptions import OperationalError

from project.store.client import Store
from project.store.commands import outbox
from project.store.commands.message import Message

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger(__name__)

CONFIRM_TIMEOUT_SECONDS = 5.0
RESEND_AFTER_SECONDS = 20.0
"""Seconds a message may go unconfirmed before it is sent again."""

MAX_RESEND_MESSAGES = 200


class OutboxPublisher:
    """Publishes messages; safe to share between threads."""

    def __init__(self, app: "Celery") -> None:
        self.app = app

    def publish(self, store: Store, message: Message) -> bool:
        """Publish the message of a job that is recorded. False: that failed, it is sent later."""
        if message.due is not None:
            return True
        is_sent = self._publish(message.id, message.text)
        if is_sent:
            store.run(outbox.confirm_sent(message.id))
        return is_sent

    def resend(self, store: Store, waited: float = RESEND_AFTER_SECONDS) -> int:
        """Publish what was not confirmed for ``waited`` seconds; how many."""
        waiting = store.run(outbox.claim_unsent(waited=waited, most=MAX_RESEND_MESSAGES))
        sent = [job_id for job_id, text in waiting if self._publish(job_id, text)]
        for job_id in sent:
            store.run(outbox.confirm_sent(job_id))
        return len(sent)

    def _publish(self, job_id: str, text: str) -> bool:
        try:
            with self.app.producer_pool.acquire(
                block=True, timeout=CONFIRM_TIMEOUT_SECONDS
            ) as producer:
                producer.publish(**build_publish_arguments(self.app, text))
        except (OperationalError, *self.app.connection_for_write().connection_errors) as problem:
            log.warning("job %s: its message waits for the broker: %s", job_id, problem)
            return False
        return True


def build_publish_arguments(app: "Celery", text: str) -> dict[str, Any]:
    """The arguments of ``kombu.Producer.publish`` for a message as Redis would hold it."""
    message = msgspec.json.decode(text)
    properties = message["properties"]
    queue = properties["delivery_info"]["routing_key"]
    return {
        "body": base64.b64decode(message["body"]),
        "content_type": message["content-type"],
        "content_encoding": message["content-encoding"],
        "headers": message["headers"],
        "exchange": "",
        "routing_key": queue,
        "declare": [app.amqp.queues[queue]],
        "priority": properties["priority"],
        "correlation_id": properties["correlation_id"],
        "reply_to": properties["reply_to"],
        "delivery_mode": 2,
        "confirm_timeout": CONFIRM_TIMEOUT_SECONDS,
        "timeout": CONFIRM_TIMEOUT_SECONDS,
    }

"""The transactional outbox, used when RabbitMQ carries the messages.

A script stores the record and the message in Redis, then the message is published to RabbitMQ,
then the stored message is removed. After a crash in between, the maintenance of a worker publishes
the message again. A message that is published twice runs once: its second start is refused.
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
"""Seconds without a confirmation after which a message is published again."""

MAX_RESEND_MESSAGES = 200


class OutboxPublisher:
    """Publishes messages to RabbitMQ. Safe to share between threads."""

    def __init__(self, app: "Celery") -> None:
        self.app = app

    def publish(self, store: Store, message: Message) -> bool:
        """Publish the message of a recorded job. False: that failed, maintenance tries again.

        A message with a due time is not published now; maintenance does so when it is due.
        """
        if message.is_delayed:
            return True
        is_sent = self._publish(message.id, message.text)
        if is_sent:
            store.run(outbox.confirm_sent(message.id))
        return is_sent

    def resend(self, store: Store, waited: float = RESEND_AFTER_SECONDS) -> int:
        """Publish messages without a confirmation for ``waited`` seconds; return how many."""
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
            log.warning(
                "job %s: message not published, will be published again: %s", job_id, problem
            )
            return False
        return True


def build_publish_arguments(app: "Celery", text: str) -> dict[str, Any]:
    """The arguments of ``kombu.Producer.publish`` for the text of a ``Message``."""
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

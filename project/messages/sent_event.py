"""Celery's event ``task-sent``: published only with the setting ``task_send_sent_event``."""

import logging
from typing import Any

log = logging.getLogger(__name__)

CONNECTION_SECONDS = 2.0
"""Seconds that the event waits for a connection."""


def is_sent_event(body: Any) -> bool:
    """Whether Celery publishes the event that a job was sent, and not the job."""
    return isinstance(body, dict) and body.get("type") == "task-sent"


def publish_sent_event(app: Any, event: Any, **arguments: Any) -> None:
    """Publish an event; one that cannot be published is dropped, and the job is sent."""
    try:
        with app.producer_pool.acquire(block=True, timeout=CONNECTION_SECONDS) as producer:
            producer.publish(event, **(arguments | {"retry": False}))
    except Exception as problem:  # noqa: BLE001 - events tell, they do not decide
        log.warning("task event dropped: %s", problem)

"""Captures the messages that Celery builds, so that a script can store them with their record.

Celery builds a message and passes it to a kombu producer. ``CapturingProducer`` takes the place of
that producer: routing, signals, canvas and stamps stay Celery's, and the result is a ``Message``
instead of a push to a Redis list.
"""

import base64
from bisect import bisect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

from kombu.serialization import dumps as serialize
from kombu.utils.json import dumps as json_dumps

from project.errors import ContinuoError
from project.messages.trace_context import get_trace_headers
from project.records.grouping import PRIORITY_SEPARATOR, check_tags
from project.records.record import DEFAULT_MAX_RETRIES
from project.store.commands.message import Message

PRIORITY_STEPS = (0, 3, 6, 9)
MAX_ATTEMPTS_HEADER = "max_attempts"
"""The header with the maximum number of attempts of a job. Retries copy it."""

RERUN_HEADER = "revival"
"""The header with the id of the rerun; the messages before the first rerun have none."""

CALLBACK_HEADER = "callback"
"""The header that passes the message of a callback to ``CapturingProducer``, which removes it."""


class CapturingProducer:
    """A kombu producer that keeps its one message instead of sending it."""

    def __init__(self) -> None:
        self._message: Message | None = None

    @property
    def message(self) -> Message:
        """The message. Raises ``ContinuoError`` when none was published."""
        if self._message is None:
            raise ContinuoError("no message was published")
        return self._message

    @property
    def connection(self) -> "CapturingProducer":
        """The object on which Celery looks for ``_reraise_as_library_errors``."""
        return self

    @contextmanager
    def _reraise_as_library_errors(self) -> Iterator[None]:
        yield

    def publish(
        self,
        body: Any,
        *,
        exchange: str,
        routing_key: str,
        serializer: str,
        headers: dict[str, Any],
        priority: int | None = None,
        tags: Sequence[str] = (),
        **properties: Any,
    ) -> None:
        """Keep a message; the arguments are those of ``kombu.Producer.publish``.

        Raises ``ContinuoError`` for an exchange: jobs are routed by the name of their queue.
        """
        if exchange:
            raise ContinuoError(f"jobs are sent to queues by name, not to exchange {exchange!r}")
        due, callback = pop_due_time(headers), headers.pop(CALLBACK_HEADER, None)
        headers = {**get_trace_headers(), **headers}
        self._message = Message(
            id=headers["id"],
            kind=headers["task"],
            queue=build_list_key(routing_key, priority or 0),
            text=format_message(body, routing_key, serializer, headers, priority or 0, properties),
            payload=json_dumps([body[0], body[1]]),
            max_retries=int(headers.get(MAX_ATTEMPTS_HEADER, DEFAULT_MAX_RETRIES)),
            due=due,
            tags=check_tags(tags),
            callback=callback,
        )


def pop_due_time(headers: dict[str, Any]) -> float | None:
    """Remove the ETA from the headers and return it in seconds since the epoch.

    A job with an ETA waits in Redis, not in the memory of a worker.
    """
    eta = headers.get("eta")
    if not eta:
        return None
    headers["eta"] = None
    return datetime.fromisoformat(eta).timestamp()


def build_list_key(queue: str, priority: int) -> str:
    """The name of the Redis list of a queue and a priority; 0 runs first, 9 last."""
    step = PRIORITY_STEPS[max(bisect(PRIORITY_STEPS, priority) - 1, 0)]
    return f"{queue}{PRIORITY_SEPARATOR}{step}" if step else queue


def format_message(
    body: Any,
    queue: str,
    serializer: str,
    headers: dict[str, Any],
    priority: int,
    properties: dict[str, Any],
) -> str:
    """Format a message as kombu's Redis transport does: JSON with the body in base64."""
    content_type, encoding, data = serialize(body, serializer)
    raw = data.encode() if isinstance(data, str) else data
    text: str = json_dumps(
        {
            "body": base64.b64encode(raw).decode(),
            "content-encoding": encoding,
            "content-type": content_type,
            "headers": headers,
            "properties": {
                "correlation_id": properties.get("correlation_id"),
                "reply_to": properties.get("reply_to"),
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": priority,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )
    return text

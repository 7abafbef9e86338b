"""Messages as Celery and kombu write them on Redis, caught before they are sent.

Celery builds a message and hands it to a kombu producer. ``CapturingProducer`` takes the
producer's place: routing, signals, canvas and stamps stay Celery's own, but what
would be pushed on a list by itself becomes a ``Message`` that a move can store
together with its record.
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
"""The header that carries how many attempts a job gets, through retries too."""

RERUN_HEADER = "revival"
"""The header of a job that is run again: a message without it is from before."""


CALLBACK_HEADER = "callback"
"""The header that carries the message of a callback as far as the envelope, and not beyond."""


class CapturingProducer:
    """A producer that keeps the one message it is given instead of sending it."""

    def __init__(self) -> None:
        self._message: Message | None = None

    @property
    def message(self) -> Message:
        """What was published."""
        if self._message is None:
            raise ContinuoError("nothing was published")
        return self._message

    @property
    def connection(self) -> "CapturingProducer":
        """Where Celery looks for the means to translate connection errors."""
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
        """Take the arguments of ``kombu.Producer.publish``."""
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
    """Take the ETA off the message: it waits in Redis, not in a worker's memory."""
    eta = headers.get("eta")
    if not eta:
        return None
    headers["eta"] = None
    return datetime.fromisoformat(eta).timestamp()


def build_list_key(queue: str, priority: int) -> str:
    """The Redis list of a queue and a priority (0 first, 9 last)."""
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
    """The message as kombu's Redis transport writes it."""
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

"""Captures the messages that Celery builds, so that a script can store them with their record.

Celery builds a message and passes it to a kombu producer. ``CapturingProducer`` takes the place of
that producer: routing, signals, canvas and stamps stay Celery's, and the result is a ``Message``
instead of a push to a Redis list.
"""

import base64
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

from project.errors import ContinuoError, InvalidField
from project.messages.canvas_part import find_part
from project.messages.encoding import encode, write
from project.messages.options import (
    MAX_ATTEMPTS_HEADER,
    check_id,
    check_priority,
    check_routing,
    check_serializer,
    pick_properties,
)
from project.messages.sent_event import is_sent_event
from project.messages.trace_context import TRACEPARENT, get_trace_headers, read_trace_id
from project.messages.validation import decode_message
from project.records.grouping import LANE_SEPARATOR, PRIORITY_SEPARATOR, check_lane, check_tags
from project.records.record import DEFAULT_MAX_RETRIES
from project.store.commands.message import Message

PRIORITY_STEPS = (0, 3, 6, 9)
RERUN_HEADER = "revival"
"""The header with the id of the rerun; the messages before the first rerun have none."""

CALLBACK_HEADER = "callback"
"""The header that passes the message of a callback to ``CapturingProducer``, which removes it."""


class CapturingProducer:
    """A kombu producer that keeps its one message instead of sending it.

    ``store`` gets the message at the time when Celery's producer would send it, ``tell`` the event
    ``task-sent`` with the arguments of its publication.
    """

    def __init__(
        self,
        store: Callable[[Message], object] = lambda _: None,
        tell: Callable[..., object] = lambda _, **__: None,
    ) -> None:
        self._message: Message | None = None
        self._store = store
        self._tell = tell

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
        delay: float | None = None,
        tags: Sequence[str] = (),
        **properties: Any,
    ) -> None:
        """Keep a message; the arguments are those of ``kombu.Producer.publish``.

        Raises ``InvalidField`` for what a job cannot have, such as an exchange or an unknown
        option, and ``EncodeError`` for what is not JSON.
        """
        if is_sent_event(body):
            place = {"exchange": exchange, "routing_key": routing_key, "serializer": serializer}
            self._tell(body, headers=headers, **place, **properties)
            return
        job_id = check_id(headers["id"])
        check_routing({"exchange": exchange})
        check_serializer(serializer)
        lane = check_lane(properties.pop("lane", ""))
        texts = pick_properties(properties)
        due, callback = pop_due_time(headers), headers.pop(CALLBACK_HEADER, None)
        headers = {**get_trace_headers(), **headers}
        level = check_priority(priority)
        payload = encode(list(body[:2]))
        about: dict[str, Any] = {
            name: properties.get(name) for name in ("correlation_id", "reply_to")
        }
        text = format_message(
            f"{payload[:-1]},{write(body[2])}]", routing_key, headers, level, about | texts
        )
        self._message = Message(
            id=job_id,
            kind=headers["task"],
            queue=build_list_key(routing_key, level),
            text=check_readable(text),
            payload=payload,
            max_retries=int(headers.get(MAX_ATTEMPTS_HEADER, DEFAULT_MAX_RETRIES)),
            due=due if delay is None else None,
            delay=delay,
            tags=check_tags(tags),
            callback=callback,
            group=headers.get("group") or "",
            lane=lane,
            has_canvas=any(body[2].get(name) for name in ("errbacks", "chain", "chord")),
            part=find_part(job_id, headers, body[2]),
            trace=read_trace_id(headers.get(TRACEPARENT)),
        )
        self._store(self._message)


def check_readable(text: str) -> str:
    """Return the text of a message. Raises ``InvalidField`` when no worker could read it."""
    try:
        decode_message(text.encode())
    except ValueError as problem:
        raise InvalidField("options", f"no worker could read the message: {problem}") from problem
    return text


def pop_due_time(headers: dict[str, Any]) -> float | None:
    """Remove the ETA from the headers and return it in seconds since the epoch.

    A job with an ETA waits in Redis, not in the memory of a worker.
    """
    eta = headers.get("eta")
    if not eta:
        return None
    headers["eta"] = None
    try:
        return datetime.fromisoformat(eta).timestamp()
    except (TypeError, ValueError) as problem:
        raise InvalidField("eta", f"{eta!r} is not a time in ISO 8601") from problem


def build_list_key(queue: str, priority: int) -> str:
    """The name of the Redis list of a queue and a priority; 0 runs first, 9 last."""
    step = PRIORITY_STEPS[max(bisect(PRIORITY_STEPS, priority) - 1, 0)]
    return f"{queue}{PRIORITY_SEPARATOR}{step}" if step else queue


def list_keys_beside(place: str) -> list[str]:
    """The Redis lists of all priorities of the queue, or the lane of a queue, that one is of."""
    queue, _, rest = place.partition(PRIORITY_SEPARATOR)
    _, mark, lane = rest.partition(LANE_SEPARATOR)
    keys = [build_list_key(queue, priority) for priority in PRIORITY_STEPS]
    if not mark:
        return keys
    keys[0] = f"{queue}{PRIORITY_SEPARATOR}0"
    return [f"{key}{LANE_SEPARATOR}{lane}" for key in keys]


def format_message(
    body: str, queue: str, headers: dict[str, Any], priority: int, about: dict[str, Any]
) -> str:
    """Format a message as kombu's Redis transport does: JSON with the body in base64."""
    return write(
        {
            "body": base64.b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": {
                **about,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": priority,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )

"""The trail: what a message says about where it comes from.

A request has an id, and with tracing a place in a trace. Both go into the headers of
every message that is made on its behalf, and on into the messages that its jobs make, so
the log lines and the spans of an attempt can be found by them.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from celery._state import get_current_task

REQUEST_ID = "request_id"
TRACEPARENT = "traceparent"
NAMES = (REQUEST_ID, TRACEPARENT)

NO_TRAIL: Mapping[str, str] = {}

TRAIL: ContextVar[Mapping[str, str]] = ContextVar("trail", default=NO_TRAIL)
"""Of what is being handled here; header -> its value."""

LONGEST = 128
"""Characters of a header that a stranger may have sent."""


def trail() -> Mapping[str, str]:
    """The headers for messages that are made here: of this request, or those that the job has."""
    return TRAIL.get() or trail_of(get_current_task())


def trail_of(task: Any) -> Mapping[str, str]:
    """What the message of a running job said."""
    headers = task and task.request.headers
    if not headers:
        return NO_TRAIL
    return {name: headers[name] for name in NAMES if is_sound(headers.get(name))}


def is_sound(value: Any) -> bool:
    """Whether a header is what it should be: a stranger's may be anything."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()

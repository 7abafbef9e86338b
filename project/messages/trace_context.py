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
HEADER_NAMES = (REQUEST_ID, TRACEPARENT)

NO_TRACE_HEADERS: Mapping[str, str] = {}

TRACE_HEADERS: ContextVar[Mapping[str, str]] = ContextVar("trail", default=NO_TRACE_HEADERS)
"""Of what is being handled here; header -> its value."""

MAX_HEADER_CHARACTERS = 128
"""Characters of a header that a stranger may have sent."""


def get_trace_headers() -> Mapping[str, str]:
    """The headers for messages that are made here: of this request, or those that the job has."""
    return TRACE_HEADERS.get() or trace_headers_of(get_current_task())


def trace_headers_of(task: Any) -> Mapping[str, str]:
    """What the message of a running job said."""
    headers = task and task.request.headers
    if not headers:
        return NO_TRACE_HEADERS
    return {name: headers[name] for name in HEADER_NAMES if is_valid_header(headers.get(name))}


def is_valid_header(value: Any) -> bool:
    """Whether a header is what it should be: a stranger's may be anything."""
    return (
        isinstance(value, str) and 0 < len(value) <= MAX_HEADER_CHARACTERS and value.isprintable()
    )

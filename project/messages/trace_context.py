"""Trace context: the headers of a message that say which request it comes from.

A request has an id and, when traces are on, a place in a trace. Both are copied to the headers of
each message that the request causes, and from there to the messages of the jobs, so that log lines
and spans of an attempt can be found by them.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from celery._state import get_current_task

REQUEST_ID = "request_id"
TRACEPARENT = "traceparent"
HEADER_NAMES = (REQUEST_ID, TRACEPARENT)

NO_TRACE_HEADERS: Mapping[str, str] = {}

TRACE_HEADERS: ContextVar[Mapping[str, str]] = ContextVar("trace_headers", default=NO_TRACE_HEADERS)
"""The trace headers of the request or job that this code runs for: name -> value."""

MAX_HEADER_CHARACTERS = 128
"""A longer header is ignored: any client of the broker can send one."""


TRACE_ID = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""A ``traceparent`` of W3C Trace Context: version, trace, span and flags."""


def get_trace_headers() -> Mapping[str, str]:
    """The trace headers for a new message: of the current request, else of the current job."""
    return TRACE_HEADERS.get() or trace_headers_of(get_current_task())


def trace_headers_of(task: Any) -> Mapping[str, str]:
    """The valid trace headers in the message of a running job; empty when ``task`` is None."""
    headers = task and task.request.headers
    if not headers:
        return NO_TRACE_HEADERS
    return {name: headers[name] for name in HEADER_NAMES if is_valid_header(headers.get(name))}


def is_valid_header(value: Any) -> bool:
    """Whether a header is a printable text of at most ``MAX_HEADER_CHARACTERS``."""
    return (
        isinstance(value, str) and 0 < len(value) <= MAX_HEADER_CHARACTERS and value.isprintable()
    )


def read_trace_id(traceparent: Any) -> str:
    """The id of the trace in a ``traceparent``, "" when there is none."""
    found = isinstance(traceparent, str) and TRACE_ID.fullmatch(traceparent)
    return found[1] if found else ""

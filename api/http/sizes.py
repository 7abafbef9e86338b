"""Limits on the request line and the headers of a request.

Cello closes the connection without an answer when the head is larger than it allows. It is told to
allow more than we do, so that most clients get an answer.
"""

from api.http.problems import Problem
from api.http.routing import RawRequest

MAX_TARGET_BYTES = 8_000
"""The limit of path and query."""

MAX_HEADERS_BYTES = 16_384
MAX_READ_BYTES = 4 * MAX_HEADERS_BYTES
"""The limit that Cello is told; it answers nothing beyond this."""

LINE_BYTES = 4
"""A header has a colon, a space and a line end besides name and value."""


def require_small_head(raw: RawRequest) -> None:
    """Raise ``Problem`` 414 for a long target, 431 for large headers."""
    query = sum(len(name) + len(value) + 2 for name, value in raw.query.items())
    if len(raw.path) + query > MAX_TARGET_BYTES:
        raise Problem(414, f"Path and query are longer than {MAX_TARGET_BYTES} bytes")
    headers = sum(len(name) + len(value) + LINE_BYTES for name, value in raw.headers.items())
    if headers > MAX_HEADERS_BYTES:
        raise Problem(431, f"The headers are larger than {MAX_HEADERS_BYTES} bytes")

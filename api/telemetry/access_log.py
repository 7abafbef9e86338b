"""The log of the API: JSON lines on stderr, one for each answered request."""

import contextlib
import logging
import sys

import msgspec

from project.telemetry.logs import JsonFormatter, encode


class AccessLine(msgspec.Struct):
    """One answered request; ``route`` is the template, ``ms`` the time it took."""

    ts: float
    method: str
    route: str
    status: int
    ms: float
    request_id: str
    key: str


def configure() -> None:
    """Send what the program logs, from INFO up, to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def write_access(line: AccessLine) -> None:
    """Write ``line``; a closed stderr is no reason to fail a request.

    Written past ``logging``, whose bookkeeping costs four times the line itself.
    """
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(encode(line).decode() + "\n")

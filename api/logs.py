"""Log lines: one JSON object per line, on stderr.

``ts`` is in seconds since the epoch. A line written while a request is being
handled carries its ``request_id``.
"""

import contextlib
import logging
import sys
from contextvars import ContextVar

import msgspec

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request being handled here, "" outside of one."""

_encode = msgspec.json.Encoder().encode


class Line(msgspec.Struct, omit_defaults=True):
    """What any part of the program has to say."""

    ts: float
    level: str
    logger: str
    message: str
    request_id: str = ""
    traceback: str = ""


class AccessLine(msgspec.Struct):
    """One answered request; ``route`` is the template, ``ms`` the time it took."""

    ts: float
    method: str
    route: str
    status: int
    ms: float
    request_id: str
    key: str


class JsonFormatter(logging.Formatter):
    """A log record as a ``Line``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without the newline."""
        line = Line(
            ts=round(record.created, 3),
            level=record.levelname.lower(),
            logger=record.name,
            message=record.getMessage(),
            request_id=request_id.get(),
            traceback=self.formatException(record.exc_info) if record.exc_info else "",
        )
        return _encode(line).decode()


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
        sys.stderr.write(_encode(line).decode() + "\n")

"""A line that a job has logged, and what it costs at most. Pure."""

from functools import cache

import msgspec

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
"""The levels of ``logging``, by their names in lines and filters."""

MAX_MESSAGE_CHARACTERS = 8_000
"""A longer message is cut to its first characters."""


KEPT_BYTES = 65_000
"""About how many bytes of the log of a job Redis keeps; see the Lua of logs."""


class JobLogLine(msgspec.Struct, frozen=True):
    """One line; ``at`` is in seconds since the epoch.

    ``level`` is one of ``LEVELS``. ``logger`` is the name of the logger, ``print`` for what the job
    printed, and "" for what the platform adds: the death of the worker, lines left out.
    """

    at: float
    attempt: int
    level: str
    logger: str
    message: str


class WorkerLogLine(msgspec.Struct, frozen=True):
    """A line that the main process of a worker has logged; ``at`` is in seconds since the epoch.

    ``level`` is one of ``LEVELS``, ``logger`` the name of the logger.
    """

    at: float
    level: str
    logger: str
    message: str


class LogFile(msgspec.Struct, frozen=True):
    """The whole log of an attempt, stored as an artifact: JSON lines, compressed with gzip.

    ``lines`` are in it, ``left_out`` were too many. ``size`` in bytes. ``key`` and ``filename``
    are those of the artifact.
    """

    attempt: int
    lines: int
    left_out: int
    size: int
    key: str
    filename: str


class LogFileLink(msgspec.Struct, frozen=True):
    """The whole log of an attempt: JSON lines, compressed with gzip, ``size`` bytes.

    ``left_out``: lines beyond 4 GB. The link works as long as those of results.
    """

    attempt: int
    lines: int
    left_out: int
    size: int
    filename: str
    download_url: str


@cache
def level_name(number: int) -> str:
    """The name of the highest of ``LEVELS`` that a number reaches; ``debug`` below all."""
    return next(
        (name for name, least in reversed(LEVELS.items()) if number >= least), next(iter(LEVELS))
    )

"""The child process: reads a ``RenderOrder`` as JSON on stdin, writes messages on stdout.

Each line on stdout is one ``RenderMessage`` as JSON; the last one is the result. The exit code
is 0 on success, ``EXIT_TEMPORARY_FAILURE`` when another attempt may work (memory, disk or time
ran out) and ``EXIT_INVALID_TYPE`` when the report type is wrong. Any other error is a bug and
ends with a traceback.
"""

import os
import resource
import signal
import sys
from typing import BinaryIO

import msgspec

from project.processes import end_with_parent
from tasks.rendering import render
from tasks.rendering.data.table_files import InvalidQuery
from tasks.rendering.definitions.schema import (
    EXIT_INVALID_TYPE,
    EXIT_TEMPORARY_FAILURE,
    RenderMessage,
    RenderOrder,
)

MAX_ADDRESS_SPACE_BYTES = 3 << 30
"""DuckDB may allocate far more than its memory limit for a single value; this stops it."""
MAX_FILE_BYTES = 4 << 30
GRACE_SECONDS = 2
"""Seconds after the time limit at which this process ends even if its parent does not end it."""


def run(channel: BinaryIO) -> None:
    """Read the order from stdin, render it and write the messages to ``channel``."""

    def send(message: RenderMessage) -> None:
        channel.write(msgspec.json.encode(message) + b"\n")
        channel.flush()

    order = msgspec.json.decode(sys.stdin.buffer.read(), type=RenderOrder)
    limit_process(order.origin.limits.seconds)
    send(render.render_order(order, send))


def limit_process(seconds: int) -> None:
    """Limit memory, file size and run time of this process, whatever its query does."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE_BYTES, MAX_ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(seconds + GRACE_SECONDS)


def exit_code_of(error: Exception) -> int | None:
    """Return the exit code for an error, or None for an unexpected one."""
    import duckdb

    temporary = (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.IOException)
    if isinstance(error, (MemoryError, OSError, *temporary)):
        return EXIT_TEMPORARY_FAILURE
    if isinstance(error, (duckdb.Error, InvalidQuery, render.InvalidTemplate)):
        return EXIT_INVALID_TYPE
    return exit_code_of_database_error(error) or exit_code_of_template_error(error)


def exit_code_of_database_error(error: Exception) -> int | None:
    """Return the exit code for an error of PostgreSQL; connection errors are temporary."""
    psycopg = sys.modules.get("psycopg")
    if psycopg is None or not isinstance(error, psycopg.Error):
        return None
    temporary = (psycopg.OperationalError, psycopg.InterfaceError)
    return EXIT_TEMPORARY_FAILURE if isinstance(error, temporary) else EXIT_INVALID_TYPE


def exit_code_of_template_error(error: Exception) -> int | None:
    """Return the exit code for an error of Typst."""
    typst = sys.modules.get("typst")
    return EXIT_INVALID_TYPE if typst and isinstance(error, typst.TypstError) else None


if __name__ == "__main__":
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # text that a library prints must not mix with the messages
    end_with_parent(signal.SIGKILL)
    try:
        run(output)
    except Exception as error:
        if (code := exit_code_of(error)) is None:
            raise
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 - read by the parent
        sys.exit(code)

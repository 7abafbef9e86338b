"""Order in on stdin (JSON), how far it is and what was made out on stdout, a line of JSON each.

Ends with 0; with ``EXIT_TEMPORARY_FAILURE`` when another attempt may work (no memory, no disk,
no time); with ``EXIT_INVALID_TYPE`` when the type is; or with a traceback, which is our bug.
"""

import os
import resource
import signal
import sys
from typing import BinaryIO

import msgspec

from project.processes import end_with_parent
from tasks.rendering import render
from tasks.rendering.data import queries
from tasks.rendering.definitions.schema import (
    EXIT_INVALID_TYPE,
    EXIT_TEMPORARY_FAILURE,
    RenderMessage,
    RenderOrder,
)

MAX_ADDRESS_SPACE_BYTES = 3 << 30
"""Bytes. DuckDB may take far more than its limit for one value; this stops it."""
MAX_FILE_BYTES = 4 << 30
GRACE_SECONDS = 2
"""Seconds this process outlives its time by, should the one that started it be gone."""


def run(channel: BinaryIO) -> None:
    """Fill one order."""

    def tell(message: RenderMessage) -> None:
        channel.write(msgspec.json.encode(message) + b"\n")
        channel.flush()

    order = msgspec.json.decode(sys.stdin.buffer.read(), type=RenderOrder)
    limit(order.origin.limits.seconds)
    tell(render.render_order(order, tell))


def limit(seconds: int) -> None:
    """Bound what this process may take, whatever the query does and whoever still waits."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE_BYTES, MAX_ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(seconds + GRACE_SECONDS)


def exit_code_of(error: Exception) -> int | None:
    """The exit code that says what became of the order; None when it should never happen."""
    import duckdb

    short = (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.IOException)
    if isinstance(error, (MemoryError, OSError, *short)):
        return EXIT_TEMPORARY_FAILURE
    if isinstance(error, (duckdb.Error, queries.InvalidQuery, render.InvalidTemplate)):
        return EXIT_INVALID_TYPE
    return exit_code_of_database_error(error) or exit_code_of_template_error(error)


def exit_code_of_database_error(error: Exception) -> int | None:
    """The same for an error of PostgreSQL: one that it does not know by a number may pass."""
    psycopg = sys.modules.get("psycopg")
    if psycopg is None or not isinstance(error, psycopg.Error):
        return None
    passing = (psycopg.OperationalError, psycopg.InterfaceError)
    return EXIT_TEMPORARY_FAILURE if isinstance(error, passing) else EXIT_INVALID_TYPE


def exit_code_of_template_error(error: Exception) -> int | None:
    """The same for an error of Typst."""
    typst = sys.modules.get("typst")
    return EXIT_INVALID_TYPE if typst and isinstance(error, typst.TypstError) else None


if __name__ == "__main__":
    ours = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no message of ours
    end_with_parent(signal.SIGKILL)
    try:
        run(ours)
    except Exception as error:
        if (code := exit_code_of(error)) is None:
            raise
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 - how it is told
        sys.exit(code)

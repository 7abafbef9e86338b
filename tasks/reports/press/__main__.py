"""Order in on stdin (JSON), one line of JSON and the PDF out on stdout.

Ends with 0; with ``PASSING`` when another attempt may work (no memory, no disk,
no time); with ``WRONG`` when the type is; or with a traceback, which is our bug.
"""

import json
import resource
import signal
import sys
from pathlib import Path

import msgspec

from . import pages, queries, sheets, sources
from .orders import PASSING, WRONG, Order

ADDRESS_SPACE = 3 << 30
"""Bytes. DuckDB may take far more than its limit for one value; this stops it."""
FILE_SIZE = 2 << 30
GRACE = 2
"""Seconds this process outlives its time by, should the one that started it be gone."""


def run() -> None:
    """Fill one order."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    limit(order.definition.limits.seconds)
    pdf, count = printed(order)
    sys.stdout.buffer.write(json.dumps({"rows": count}).encode() + b"\n" + pdf)
    sys.stdout.buffer.flush()


def printed(order: Order) -> tuple[bytes, int]:
    """The PDF and the number of rows it was made of."""
    definition = order.definition
    files = {name: sources.made(name, Path(order.demo_dir)) for name in definition.sources}
    with queries.opened(files, Path(order.scratch_dir), definition.limits.seconds) as connection:
        rows = queries.selected(connection, order.sql, order.filters)
        page = pages.filled(order, rows)
    return sheets.typeset(page), page["count"]


def limit(seconds: int) -> None:
    """Bound what this process may take, whatever the query does and whoever still waits."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(seconds + GRACE)


def verdict(error: Exception) -> int | None:
    """The exit code that says what became of the order; None when it should never happen."""
    import duckdb
    import typst

    short = (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.IOException)
    if isinstance(error, (MemoryError, OSError, *short)):
        return PASSING
    wrong = (duckdb.Error, typst.TypstError, queries.WrongQuery, sheets.WrongTemplate)
    return WRONG if isinstance(error, wrong) else None


if __name__ == "__main__":
    try:
        run()
    except Exception as error:
        if (code := verdict(error)) is None:
            raise
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 - how it is told
        sys.exit(code)

"""The jobs of ``benchmarks.workflows``, which a worker includes."""

import time
from typing import Any

from project.celery import app


@app.task(name="bench.node")
def node(value: int = 0) -> int:
    """Return at once."""
    return value


@app.task(name="bench.stamp")
def stamp(before: Any = None) -> list[float]:  # noqa: ARG001 - only passed on
    """When it began and when it ended, in seconds since the epoch."""
    return [time.time(), time.time()]

"""The job kinds of our worker in the benchmark."""

import asyncio
import time

from benchmarks.stacks.shared import NAP_SECONDS, record_nap, record_wait
from project.celery import app


@app.task(name="bench.nothing")
def nothing() -> None:
    """Do nothing: only the queue is measured."""


@app.task(name="bench.stamp")
def stamp(sent: float) -> None:
    """Record the wait of this job."""
    record_wait(sent)


@app.task(name="bench.nap")
async def nap() -> None:
    """Sleep, and record when."""
    start = time.time()
    await asyncio.sleep(NAP_SECONDS)
    record_nap(start)


@app.task(name="bench.pause")
def pause() -> None:
    """Take some time."""
    time.sleep(0.03)

"""The job kinds of our worker in the benchmark."""

from benchmarks.stacks.shared import record_wait
from project.celery import app


@app.task(name="bench.nothing")
def nothing() -> None:
    """Do nothing: only the queue is measured."""


@app.task(name="bench.stamp")
def stamp(sent: float) -> None:
    """Record the wait of this job."""
    record_wait(sent)

"""What our worker runs here."""

from benchmarks.stacks.shared import record_wait
from project.celery import app


@app.task(name="bench.nothing")
def nothing() -> None:
    """Do nothing: all that is measured is the way there and back."""


@app.task(name="bench.stamp")
def stamp(sent: float) -> None:
    """Note how long it waited."""
    record_wait(sent)

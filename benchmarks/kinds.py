"""What the benchmark runs."""

from project.celery import app


@app.task(name="bench.nothing")
def nothing() -> None:
    """Do nothing: all that is measured is the way there and back."""

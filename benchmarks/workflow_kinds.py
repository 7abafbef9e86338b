"""The jobs of ``benchmarks.workflows``, which a worker includes."""

from project.celery import app


@app.task(name="bench.node")
def node(value: int = 0) -> int:
    """Return at once."""
    return value

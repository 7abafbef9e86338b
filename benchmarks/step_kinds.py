"""The jobs of ``benchmarks.steps``: ``celery -A project worker -I benchmarks.step_kinds``."""

import time
from typing import Any

from project.celery import app

RUNS = "bench:runs"
WENT = "bench:went"
PINGS = "bench:pings"


def count_run(job_id: str) -> int:
    """Note that the step runs; how often it has."""
    return int(app.store.client.hincrby(RUNS, job_id, 1))


@app.task(name="bench.wait", bind=True)
def wait_for_signal(self: Any) -> None:
    """Do a step, wait for a signal, and note when it goes on."""
    job_id = self.request.id
    self.step("count", count_run, job_id)
    self.wait("go", timeout=3_600)
    app.store.client.hset(WENT, job_id, time.time())


@app.task(name="bench.ping")
def ping(sent_at: float) -> None:
    """Note how long it took to get here, in seconds."""
    app.store.client.rpush(PINGS, time.time() - sent_at)

"""FastAPI and RQ, with a pool of its ``SimpleWorker``.

The default worker forks for each job, which takes three times as long for empty jobs.
"""

from typing import Any

import redis
from fastapi import FastAPI, HTTPException
from rq import Queue, Retry
from rq.exceptions import NoSuchJobError
from rq.job import Job

from benchmarks.peers.orders import URL, PeerOrder, PeerReport
from benchmarks.stacks.shared import REPORT_RESULT, record_wait, wait_for_moments

app = FastAPI()
client = redis.Redis.from_url(URL)
queue = Queue(connection=client)


def nothing() -> None:
    """The empty job."""


def stamp(sent: float) -> None:
    """Note how long it waited."""
    record_wait(sent)


def report(type: str, filters: dict[str, Any]) -> dict[str, Any]:
    """The job behind the route."""
    return REPORT_RESULT


@app.post("/reports", status_code=202)
def order_report(order: PeerOrder) -> PeerReport:
    """Order a report."""
    retry = Retry(max=order.max_retries - 1) if order.max_retries > 1 else None
    job = queue.enqueue(report, args=(order.type, order.filters), retry=retry)
    return PeerReport(id=job.id, status=job.get_status(refresh=False))


@app.get("/reports/{job_id}")
def show_report(job_id: str) -> PeerReport:
    """Show a report."""
    try:
        job = Job.fetch(job_id, connection=client)
    except NoSuchJobError:
        raise HTTPException(404) from None
    return PeerReport(id=job_id, status=job.get_status(refresh=False), result=job.return_value())


def worker_command(processes: int) -> list[str]:
    """The command of the worker."""
    options = ["--num-workers", str(processes), "--worker-class", "rq.SimpleWorker"]
    return ["rq", "worker-pool", "--url", URL, "--logging-level", "WARNING", *options]


def enqueue(count: int) -> None:
    """Send empty jobs."""
    for _ in range(count):
        queue.enqueue(nothing)


def enqueue_stamps(rate: float, seconds: float) -> None:
    """Send jobs that note how long they waited."""
    for sent in wait_for_moments(rate, seconds):
        queue.enqueue(stamp, sent)


def count_finished(sent: int) -> int:
    """The number of jobs in the registry of finished jobs."""
    return queue.finished_job_registry.get_job_count(cleanup=False)

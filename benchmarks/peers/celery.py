"""FastAPI and Celery: prefork pool, stock Redis transport and result backend."""

from typing import Any

import redis
from celery import Celery
from celery.result import AsyncResult
from fastapi import FastAPI

from benchmarks.peers.orders import RESULTS_URL, URL, PeerOrder, PeerReport
from benchmarks.stacks.shared import REPORT_RESULT, record_wait, wait_for_moments

app = FastAPI()
queue = Celery("bench", broker=URL, backend=RESULTS_URL)
results = redis.Redis.from_url(RESULTS_URL)


@queue.task
def nothing() -> None:
    """The empty job."""


@queue.task
def stamp(sent: float) -> None:
    """Note how long it waited."""
    record_wait(sent)


@queue.task(max_retries=2)
def report(type: str, filters: dict[str, Any]) -> dict[str, Any]:
    """The job behind the route."""
    return REPORT_RESULT


@app.post("/reports", status_code=202)
def order_report(order: PeerOrder) -> PeerReport:
    """Order a report."""
    job = report.delay(order.type, order.filters)
    return PeerReport(id=job.id, status="PENDING")


@app.get("/reports/{job_id}")
def show_report(job_id: str) -> PeerReport:
    """Show a report."""
    job = AsyncResult(job_id, app=queue)
    status = job.state
    return PeerReport(id=job_id, status=status, result=job.result if status == "SUCCESS" else None)


def worker_command(processes: int) -> list[str]:
    """The command of the worker."""
    options = [f"--concurrency={processes}", "--loglevel=WARNING"]
    return ["celery", "-A", "benchmarks.peers.celery:queue", "worker", *options]


def flower_command(port: int) -> list[str]:
    """The command of Flower."""
    return ["celery", "-A", "benchmarks.peers.celery:queue", "flower", f"--port={port}"]


def enqueue(count: int) -> None:
    """Send empty jobs."""
    for _ in range(count):
        nothing.delay()


def enqueue_stamps(rate: float, seconds: float) -> None:
    """Send jobs that note how long they waited."""
    for sent in wait_for_moments(rate, seconds):
        stamp.delay(sent)


def count_finished(sent: int) -> int:
    """The number of stored results."""
    return results.dbsize()

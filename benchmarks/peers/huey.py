"""FastAPI and Huey: Redis queue and results, worker processes."""

from typing import Any

from fastapi import FastAPI
from huey import RedisHuey

from benchmarks.peers.orders import URL, PeerOrder, PeerReport
from benchmarks.stacks.shared import REPORT_RESULT, record_wait, wait_for_moments

app = FastAPI()
queue = RedisHuey("bench", url=URL, store_none=True)


@queue.task()
def nothing() -> None:
    """The empty job."""


@queue.task()
def stamp(sent: float) -> None:
    """Note how long it waited."""
    record_wait(sent)


@queue.task()
def report(type: str, filters: dict[str, Any]) -> dict[str, Any]:
    """The job behind the route."""
    return REPORT_RESULT


@app.post("/reports", status_code=202)
def order_report(order: PeerOrder) -> PeerReport:
    """Order a report."""
    job = report(order.type, order.filters, retries=order.max_retries - 1)
    return PeerReport(id=job.id, status="pending")


@app.get("/reports/{job_id}")
def show_report(job_id: str) -> PeerReport:
    """Show a report."""
    result = queue.result(job_id, preserve=True)
    return PeerReport(id=job_id, status="pending" if result is None else "success", result=result)


def worker_command(processes: int) -> list[str]:
    """The command of the worker."""
    options = ["--workers", str(processes), "--worker-type", "process", "--quiet"]
    return ["huey_consumer", "benchmarks.peers.huey.queue", *options]


def enqueue(count: int) -> None:
    """Send empty jobs."""
    for _ in range(count):
        nothing()


def enqueue_stamps(rate: float, seconds: float) -> None:
    """Send jobs that note how long they waited."""
    for sent in wait_for_moments(rate, seconds):
        stamp(sent)


def count_finished(sent: int) -> int:
    """The number of stored results."""
    return queue.result_count()

"""FastAPI and Dramatiq: Redis broker, results in Redis."""

from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import ResultMissing, Results
from dramatiq.results.backends import RedisBackend
from fastapi import FastAPI

from benchmarks.peers.orders import RESULTS_URL, URL, PeerOrder, PeerReport
from benchmarks.stacks.shared import REPORT_RESULT, record_wait, wait_for_moments

app = FastAPI()
backend = RedisBackend(url=RESULTS_URL)
broker = RedisBroker(url=URL)
broker.add_middleware(Results(backend=backend, store_results=True))
dramatiq.set_broker(broker)
results = redis.Redis.from_url(RESULTS_URL)


@dramatiq.actor
def nothing() -> None:
    """The empty job."""


@dramatiq.actor
def stamp(sent: float) -> None:
    """Note how long it waited."""
    record_wait(sent)


@dramatiq.actor
def report(type: str, filters: dict[str, Any]) -> dict[str, Any]:
    """The job behind the route."""
    return REPORT_RESULT


@app.post("/reports", status_code=202)
def order_report(order: PeerOrder) -> PeerReport:
    """Order a report."""
    message = report.send_with_options(
        args=(order.type, order.filters), max_retries=order.max_retries - 1
    )
    return PeerReport(id=message.message_id, status="pending")


@app.get("/reports/{job_id}")
def show_report(job_id: str) -> PeerReport:
    """Show a report."""
    message = report.message().copy(message_id=job_id)
    try:
        return PeerReport(id=job_id, status="success", result=message.get_result(backend=backend))
    except ResultMissing:
        return PeerReport(id=job_id, status="pending")


def worker_command(processes: int) -> list[str]:
    """The command of the worker; eight threads in each process are the default."""
    return ["dramatiq", "benchmarks.peers.dramatiq", "--processes", str(processes)]


def enqueue(count: int) -> None:
    """Send empty jobs."""
    for _ in range(count):
        nothing.send()


def enqueue_stamps(rate: float, seconds: float) -> None:
    """Send jobs that note how long they waited."""
    for sent in wait_for_moments(rate, seconds):
        stamp.send(sent)


def count_finished(sent: int) -> int:
    """The number of stored results."""
    return results.dbsize()

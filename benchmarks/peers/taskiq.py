"""FastAPI and Taskiq: Redis streams with acknowledgement, results in Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis
from fastapi import FastAPI
from taskiq import SimpleRetryMiddleware
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker
from taskiq_redis.exceptions import ResultIsMissingError

from benchmarks.peers.orders import RESULTS_URL, URL, PeerOrder, PeerReport
from benchmarks.stacks.shared import (
    NAP_SECONDS,
    PICKUPS_KEY,
    REPORT_RESULT,
    measure_wait,
    record_nap,
    wait_for_moments,
)

DAY_SECONDS = 86_400

broker = (
    RedisStreamBroker(URL, consumer_id="0")
    .with_result_backend(RedisAsyncResultBackend(RESULTS_URL, result_ex_time=DAY_SECONDS))
    .with_middlewares(SimpleRetryMiddleware())
)
results = redis.Redis.from_url(RESULTS_URL)
notes = redis.asyncio.Redis.from_url(URL)
runner = asyncio.Runner()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Open and close the broker with the application."""
    await broker.startup()
    yield
    await broker.shutdown()


app = FastAPI(lifespan=lifespan)


@broker.task
async def nothing() -> None:
    """The empty job."""


@broker.task
async def stamp(sent: float) -> None:
    """Note how long it waited."""
    await notes.rpush(PICKUPS_KEY, measure_wait(sent))


@broker.task
async def nap() -> None:
    """Sleep, and note when."""
    start = time.time()
    await asyncio.sleep(NAP_SECONDS)
    record_nap(start)


@broker.task
async def report(type: str, filters: dict[str, Any]) -> dict[str, Any]:
    """The job behind the route."""
    return REPORT_RESULT


@app.post("/reports", status_code=202)
async def order_report(order: PeerOrder) -> PeerReport:
    """Order a report."""
    call = report.kicker().with_labels(retry_on_error=True, max_retries=order.max_retries)
    job = await call.kiq(order.type, order.filters)
    return PeerReport(id=job.task_id, status="pending")


@app.get("/reports/{job_id}")
async def show_report(job_id: str) -> PeerReport:
    """Show a report."""
    try:
        result = await broker.result_backend.get_result(job_id)
    except ResultIsMissingError:
        return PeerReport(id=job_id, status="pending")
    if result.is_err:
        return PeerReport(id=job_id, status="failed")
    return PeerReport(id=job_id, status="success", result=result.return_value)


def worker_command(processes: int) -> list[str]:
    """The command of the worker."""
    options = ["--workers", str(processes), "--log-level", "WARNING"]
    return ["taskiq", "worker", "benchmarks.peers.taskiq:broker", *options]


def nap_worker(jobs: int) -> tuple[list[str], dict[str, str]]:
    """The command and the variables of a worker of one process for ``jobs`` jobs at once."""
    return [*worker_command(1), "--max-async-tasks", str(jobs)], {}


def enqueue_naps(count: int) -> None:
    """Send jobs that sleep."""

    async def send() -> None:
        await broker.startup()
        for _ in range(count):
            await nap.kiq()

    runner.run(send())


def enqueue(count: int) -> None:
    """Send empty jobs."""

    async def send() -> None:
        await broker.startup()
        for _ in range(count):
            await nothing.kiq()

    runner.run(send())


def enqueue_stamps(rate: float, seconds: float) -> None:
    """Send jobs that note how long they waited."""

    async def send() -> None:
        for sent in wait_for_moments(rate, seconds):
            await stamp.kiq(sent)

    runner.run(send())


def count_finished(sent: int) -> int:
    """The number of stored results."""
    return results.dbsize()

"""FastAPI and SAQ: Redis queue, records with results."""

import asyncio
import os
import time
from typing import Any

import redis
from fastapi import FastAPI, HTTPException
from saq import Queue

from benchmarks.peers.orders import URL, PeerOrder, PeerReport
from benchmarks.stacks.shared import (
    NAP_SECONDS,
    PICKUPS_KEY,
    REPORT_RESULT,
    measure_wait,
    record_nap,
    wait_for_moments,
)

DEFAULT_CONCURRENCY = 10
"""The number of jobs at once in a process that SAQ has by itself."""

MAX_CONNECTIONS = 2_000
"""Jobs that run at once need connections of their own; redis-py's limit is 100."""

app = FastAPI()
queue = Queue.from_url(f"{URL}?max_connections={MAX_CONNECTIONS}")
notes = redis.asyncio.Redis.from_url(URL)
runner = asyncio.Runner()


async def nothing(_: dict[str, Any]) -> None:
    """The empty job."""


async def stamp(_: dict[str, Any], *, sent: float) -> None:
    """Note how long it waited."""
    await notes.rpush(PICKUPS_KEY, measure_wait(sent))


async def nap(_: dict[str, Any]) -> None:
    """Sleep, and note when."""
    start = time.time()
    await asyncio.sleep(NAP_SECONDS)
    record_nap(start)


async def report(_: dict[str, Any], *, type: str, filters: dict[str, Any]) -> dict[str, Any]:
    """The job behind the route."""
    return REPORT_RESULT


settings = {
    "queue": queue,
    "functions": [nothing, stamp, nap, report],
    "concurrency": int(os.environ.get("SAQ_CONCURRENCY", DEFAULT_CONCURRENCY)),
}


@app.post("/reports", status_code=202)
async def order_report(order: PeerOrder) -> PeerReport:
    """Order a report."""
    job = await queue.enqueue(
        "report", type=order.type, filters=order.filters, retries=order.max_retries
    )
    return PeerReport(id=job.key, status=job.status)


@app.get("/reports/{job_id}")
async def show_report(job_id: str) -> PeerReport:
    """Show a report."""
    job = await queue.job(job_id)
    if job is None:
        raise HTTPException(404)
    return PeerReport(id=job_id, status=job.status, result=job.result)


def worker_command(processes: int) -> list[str]:
    """The command of the worker; ten jobs at once in each process are the default."""
    return ["saq", "benchmarks.peers.saq.settings", "--workers", str(processes)]


def nap_worker(jobs: int) -> tuple[list[str], dict[str, str]]:
    """The command and the variables of a worker of one process for ``jobs`` jobs at once."""
    return ["saq", "benchmarks.peers.saq.settings"], {"SAQ_CONCURRENCY": str(jobs)}


def enqueue_naps(count: int) -> None:
    """Send jobs that sleep."""

    async def send() -> None:
        for _ in range(count):
            await queue.enqueue("nap")

    runner.run(send())


def enqueue(count: int) -> None:
    """Send empty jobs."""

    async def send() -> None:
        for _ in range(count):
            await queue.enqueue("nothing")

    runner.run(send())


def enqueue_stamps(rate: float, seconds: float) -> None:
    """Send jobs that note how long they waited."""

    async def send() -> None:
        for sent in wait_for_moments(rate, seconds):
            await queue.enqueue("stamp", sent=sent)

    runner.run(send())


def count_finished(sent: int) -> int:
    """The number of sent jobs that have left the set of incomplete jobs."""
    return sent - runner.run(queue.count("incomplete"))

"""Docket: asynchronous jobs on Redis streams, measured only for jobs that sleep."""

import asyncio
import time

from docket import Docket

from benchmarks.peers.orders import URL
from benchmarks.stacks.shared import NAP_SECONDS, record_nap

NAME = "bench"
WIDE_URL = f"{URL}?max_connections=2000"
"""Jobs that run at once need connections of their own; redis-py's limit is 100."""


async def nap() -> None:
    """Sleep, and note when."""
    start = time.time()
    await asyncio.sleep(NAP_SECONDS)
    record_nap(start)


jobs = [nap]


def nap_worker(jobs: int) -> tuple[list[str], dict[str, str]]:
    """The command and the variables of a worker of one process for ``jobs`` jobs at once."""
    options = ["--docket", NAME, "--url", WIDE_URL, "--tasks", "benchmarks.peers.docket:jobs"]
    return ["docket", "worker", *options, "--concurrency", str(jobs)], {}


def enqueue_naps(count: int) -> None:
    """Send jobs that sleep."""

    async def send() -> None:
        async with Docket(name=NAME, url=WIDE_URL) as docket:
            for _ in range(count):
                await docket.add(nap)()

    asyncio.run(send())

"""Procrastinate: ``python -m benchmarks.peers.postgres.procrastinate COUNT|work``.

Orders empty jobs, or runs them; its own command logs every job.
"""

import asyncio
import os
import sys
import time

from procrastinate import App, PsycopgConnector

CHUNK = 500
JOBS_AT_ONCE = 20

app = App(connector=PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))


@app.task(name="nothing")
async def nothing() -> None:
    """The empty job."""


async def order(count: int) -> None:
    """Order jobs, many in each transaction; print when the first was ordered."""
    async with app.open_async():
        print(time.time(), flush=True)
        for first in range(0, count, CHUNK):
            await nothing.batch_defer_async(*[{} for _ in range(min(CHUNK, count - first))])


async def work() -> None:
    """Run jobs until the end of the process."""
    async with app.open_async():
        await app.run_worker_async(concurrency=JOBS_AT_ONCE)


if __name__ == "__main__":
    asyncio.run(work() if sys.argv[1] == "work" else order(int(sys.argv[1])))

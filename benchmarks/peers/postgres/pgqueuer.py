"""PgQueuer: ``python -m benchmarks.peers.postgres.pgqueuer COUNT|work``.

Orders empty jobs, or runs them; the worker of its own command does not start in this version.
"""

import sys
import time

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

CHUNK = 500
BATCH = 100
"""Jobs that a worker takes at once; 10 by itself."""


async def work() -> None:
    """Run jobs until the end of the process; PGHOST and the like name the database."""
    queuer = PgQueuer(AsyncpgDriver(await asyncpg.connect()))

    @queuer.entrypoint("nothing")
    async def nothing(job: Job) -> None:
        """The empty job."""

    await queuer.run(batch_size=BATCH)


async def order(count: int) -> None:
    """Order jobs, many in each transaction; print when the first was ordered."""
    queries = Queries(AsyncpgDriver(await asyncpg.connect()))
    print(time.time(), flush=True)
    for first in range(0, count, CHUNK):
        size = min(CHUNK, count - first)
        await queries.enqueue(["nothing"] * size, [None] * size, [0] * size)


if __name__ == "__main__":
    uvloop.run(work() if sys.argv[1] == "work" else order(int(sys.argv[1])))

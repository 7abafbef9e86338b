"""How many requests this process has answered, added every second to what all processes have.

Redis keeps the sums, so any process tells those of all, on all machines. What is counted
while Redis is away goes there later; a process that is killed takes its last second along.
"""

import asyncio
import os
from collections import Counter
from contextlib import suppress
from itertools import count

from project.celery import app
from project.errors import StoreUnavailable
from project.records.counters import MICROSECONDS_SUFFIX, bucket_of, format_route_field
from project.store.commands import statistics

FLUSH_INTERVAL_SECONDS = 1.0
"""Seconds between two additions."""


class RequestMetrics:
    """What this process has counted and not yet added. All methods belong to the event loop."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._batch: dict[str, int] = {}
        self._numbers = count(1)
        self._number = 0
        self._name = ""
        self._task: asyncio.Task[None] | None = None
        self._adding = asyncio.Lock()

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        counts = self._counts
        counts[format_route_field(method, route, f"={status}")] += 1
        counts[format_route_field(method, route, bucket_of(seconds))] += 1
        counts[format_route_field(method, route, MICROSECONDS_SUFFIX)] += round(seconds * 1e6)

    def open(self) -> None:
        """Begin to add; once in each process."""
        self._name = os.urandom(8).hex()
        self._task = asyncio.create_task(self._keep_adding())

    async def close(self) -> None:
        """Add the rest."""
        if self._task:
            self._task.cancel()
        await self.add()

    async def add(self) -> None:
        """Add what is counted; when Redis is away it is kept for the next time."""
        async with self._adding:
            with suppress(StoreUnavailable):
                while self._batch or self._counts:
                    await self._add_batch()

    async def _add_batch(self) -> None:
        if not self._batch:  # else the answer to it was lost: under its number it counts once
            self._batch, self._counts = dict(self._counts), Counter()
            self._number = next(self._numbers)
        await app.async_store.run(
            statistics.add_request_counts(self._name, self._number, self._batch)
        )
        self._batch = {}

    async def _keep_adding(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_INTERVAL_SECONDS)
            await self.add()


REQUEST_METRICS = RequestMetrics()
"""Of this process."""

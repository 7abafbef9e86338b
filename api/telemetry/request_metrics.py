"""Counts answered requests and adds the counts to Redis every second.

Redis holds the sums over all processes and machines, so any process can report them. Counts that
Redis does not take are sent later. A killed process loses the counts of its last second.
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
"""How often the counts are sent to Redis."""


class RequestMetrics:
    """Counts that Redis does not have yet. Call its methods on the event loop only."""

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
        """Start to send the counts; call once per process."""
        self._name = os.urandom(8).hex()
        self._task = asyncio.create_task(self._keep_adding())

    async def close(self) -> None:
        """Send the remaining counts."""
        if self._task:
            self._task.cancel()
        await self.add()

    async def add(self) -> None:
        """Send the counts; keep them when Redis is not available."""
        async with self._adding:
            with suppress(StoreUnavailable):
                while self._batch or self._counts:
                    await self._add_batch()

    async def _add_batch(self) -> None:
        if not self._batch:  # else resend the batch: Redis counts each number once
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
"""The counts of this process."""

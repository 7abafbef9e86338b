"""What the jobs of all stacks share: send times, waits, and the result of a report."""

import json
import os
import time
from collections.abc import Iterator
from functools import cache

import redis

PICKUPS_KEY = "bench:pickups"
"""The Redis list of waits, in seconds."""

NAPS_KEY = "bench:naps"
"""The Redis list of naps: start and end, seconds since 1970, as JSON."""

NAP_SECONDS = 1.0
"""How long an asynchronous job sleeps."""

REPORT_RESULT = {
    "report_type": "summary",
    "rows_processed": 336_776,
    "download_url": f"http://127.0.0.1:8000/artifacts/{'x' * 155}",
}
"""What the job of a report gives back."""


def wait_for_moments(rate: float, seconds: float) -> Iterator[float]:
    """The clock at each time a job is due: ``rate`` per second, never early."""
    start = time.perf_counter()
    for number in range(round(rate * seconds)):
        time.sleep(max(start + number / rate - time.perf_counter(), 0.0))
        yield time.time()


def measure_wait(sent: float) -> float:
    """Seconds since a job was sent; the job calls this first."""
    return time.time() - sent


def record_wait(sent: float) -> None:
    """Store the wait of a job."""
    connect().rpush(PICKUPS_KEY, measure_wait(sent))


def record_nap(start: float) -> None:
    """Store a nap that ends now. Blocks the event loop for some 50 µs, in every stack."""
    connect().rpush(NAPS_KEY, json.dumps([start, time.time()]))


@cache
def connect() -> "redis.Redis":
    """The connection of the process to Redis."""
    return redis.Redis.from_url(os.environ["REDIS_URL"])

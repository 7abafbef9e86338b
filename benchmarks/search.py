"""Measure the search among live jobs: ``python -m benchmarks.search [--jobs N]``.

Makes jobs that wait, each with an order of its own as payload, and asks an API for a text that none
of them has until all are read, as the console does. Prints how long that takes, and how long the
record of a job takes to come meanwhile, and alone.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from pathlib import Path
from statistics import quantiles
from threading import Event

import httpx2

from project.local.demo import find_free_ports
from project.local.valkey import EmbeddedValkey
from project.store.client import Store
from project.store.commands import jobs
from project.store.commands.message import Message
from project.store.connection import KEYS
from project.store.scripts import DIGESTS
from tests.support.event_listeners import api_on

KIND = "report"
"""Payloads of kinds that the API knows are searched."""

PAYLOAD = '[[], {"order": {"id": %d, "customer": "customer%d@example.com", "total": "129.90"}}]'
BATCH = 1_000
LOOKS = 200
PAUSE_SECONDS = 0.005


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    asked = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="continuo-bench-") as name,
        EmbeddedValkey(Path(name) / "valkey", find_free_ports(1)[0]) as valkey,
    ):
        add_jobs(Store(valkey.url), asked.jobs)
        with api_on(valkey) as api, api.client() as one, api.client() as other:
            measure(one, other)
    return 0


def add_jobs(store: Store, count: int) -> None:
    """Order jobs that nobody takes."""
    orders = (
        jobs.enqueue(Message(f"job{number}", KIND, "bench", "{}", PAYLOAD % (number, number), 3))
        for number in range(count)
    )
    store.run(next(orders))  # loads the script
    for commands in batched(orders, BATCH):
        pipeline = store.client.pipeline(transaction=False)
        for command in commands:
            pipeline.evalsha(DIGESTS[command.script], len(KEYS), *KEYS, *command.arguments)
        pipeline.execute()


def measure(searching: httpx2.Client, looking: httpx2.Client) -> None:
    """Search all, and look at one job meanwhile."""
    is_over = Event()
    print_times("a record, alone", [look(looking) for _ in range(LOOKS)])
    with ThreadPoolExecutor(1) as executor:
        beside = executor.submit(lambda: list(look_until(looking, is_over)))
        began = time.perf_counter()
        read = search(searching, "nobody@example.com")
        seconds = time.perf_counter() - began
        is_over.set()
        times = beside.result()
    print(f"{read:,} records searched in {seconds:.1f} s, {seconds / read * 1e6:.1f} us each")
    print_times("a record meanwhile", times)


def search(client: httpx2.Client, text: str) -> int:
    """Ask for page after page; how many records were read."""
    read = 0
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/tasks", params={"text": text, "cursor": cursor}).json()
        read += page["looked_at"]
        cursor = page["next_cursor"]
    return read


def look_until(client: httpx2.Client, is_over: Event) -> Iterator[float]:
    """Look at a job again and again."""
    while not is_over.is_set():
        yield look(client)


def look(client: httpx2.Client) -> float:
    """The milliseconds until the record of a job has come."""
    time.sleep(PAUSE_SECONDS)
    began = time.perf_counter()
    client.get("/tasks/job1").raise_for_status()
    return 1_000 * (time.perf_counter() - began)


def print_times(name: str, times: list[float]) -> None:
    """Print the median and the 95th percentile."""
    parts = quantiles(times, n=20)
    print(f"{name}: p50 {parts[9]:.1f} ms, p95 {parts[-1]:.1f} ms")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

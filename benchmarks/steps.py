"""Measure what waits cost: ``python -m benchmarks.steps [--waiting N] [--signals N]``.

Prints how long it takes from a signal until its job goes on, the bytes in Valkey of a waiting job,
the pickup of other jobs with and without those, and how many finished steps ran again.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from itertools import batched
from statistics import quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.support.own_system import run_worker
from benchmarks.support.waiting import wait_until

if TYPE_CHECKING:
    from project.store.commands.command import Command

WAITING_QUEUE = "bench-waiting"
"""From which the worker does not take."""

WORKER = "host/1/abcdef"
"""Stands for the worker that ran them."""

LEASE_SECONDS = 3_600.0
QUESTION = "Pay 12,000.00 to ACME?"
WEEK_SECONDS = 7 * 86_400
PINGS = 500
PING_PAUSE_SECONDS = 0.01
MAX_SECONDS = 120.0
BATCH_JOBS = 200


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=__doc__)
    parser.add_argument("--waiting", type=int, default=100_000, help="jobs that wait meanwhile")
    parser.add_argument("--signals", type=int, default=500, help="signals that are sent")
    asked = parser.parse_args(arguments)
    with run_worker("--include=benchmarks.step_kinds", "--queues=celery"):
        measure(asked.waiting, asked.signals)
    return 0


def measure(waiting: int, signals: int) -> None:
    """Print all figures."""
    from benchmarks import step_kinds
    from project.celery import app

    measure_pickup(PINGS // 5)  # warm
    without = measure_pickup(PINGS)
    print_times(f"signal -> goes on, {signals} signals", measure_signals(signals))
    before = read_memory()
    add_waiting(waiting)
    print(f"{waiting:,} waiting jobs: {(read_memory() - before) / waiting:,.0f} bytes each")
    beside = measure_pickup(PINGS)
    print_times("pickup of others, without", without)
    print_times("pickup of others, with", beside)
    print(f"  {middle(beside) / middle(without):.2f} times as long (p50)")
    print_times("signal -> goes on, with these", measure_signals(signals))
    runs = [int(count) for count in app.store.client.hvals(step_kinds.RUNS)]
    print(f"finished steps that ran again: {sum(runs) - len(runs)} of {len(runs):,}")


def measure_pickup(count: int) -> list[float]:
    """Seconds from before an enqueue until its job runs, one after the other."""
    from benchmarks import step_kinds
    from project.celery import app

    client = app.store.client
    client.delete(step_kinds.PINGS)
    for number in range(count):
        step_kinds.ping.delay(time.time())
        look = partial(client.lindex, step_kinds.PINGS, number)
        wait_until(look, MAX_SECONDS, "a ping")
        time.sleep(PING_PAUSE_SECONDS)
    return [float(seconds) for seconds in client.lrange(step_kinds.PINGS, 0, -1)]


def measure_signals(count: int) -> list[float]:
    """Seconds from before a signal until its job goes on, one after the other."""
    from benchmarks import step_kinds
    from project.celery import app

    client = app.store.client
    jobs = [step_kinds.wait_for_signal.delay() for _ in range(count)]
    is_waiting = "continuo:index:bench.wait@celery:waiting"
    wait_until(lambda: client.zcard(is_waiting) == count, MAX_SECONDS, "all to wait")
    times = []
    for job in jobs:
        sent_at = time.time()
        job.signal("go")
        look = partial(client.hget, step_kinds.WENT, job.id)
        times.append(float(wait_until(look, MAX_SECONDS, "a job") or 0) - sent_at)
    return times


def add_waiting(count: int) -> None:
    """Make jobs that wait, each with an invoice as payload and a question."""
    from project.celery import app
    from project.store.commands import workers

    app.store.run(workers.renew_lease(WORKER, LEASE_SECONDS, {"slots": 0}, first=True))
    for command in list_moves(count):  # so that Redis knows the scripts
        app.store.run(command)
    for numbers in batched(range(count), BATCH_JOBS):
        for commands in zip(*map(list_moves, numbers), strict=True):
            run_together(commands)
        app.store.client.delete(WAITING_QUEUE)  # their first messages


def list_moves(number: int) -> list["Command[Any]"]:
    """What makes a job wait: it is ordered, begun by a worker that is none, and waits."""
    from benchmarks import step_kinds
    from project.store.commands import attempts, jobs, waits
    from project.store.commands.waits import WaitQuestion

    about = WaitQuestion("approval", "signal", QUESTION)
    invoice: dict[str, Any] = {"customer": "ACME", "total": 12_000.5}
    message = step_kinds.ping.message(kwargs={"sent_at": invoice}, queue=WAITING_QUEUE)
    token = f"{WORKER}#p1.a.{number}"
    again = {"about": about, "seconds": WEEK_SECONDS, "message": message}
    return [
        jobs.enqueue(message),
        attempts.start(message.id, retries=0, token=token),
        waits.wait(message.id, token=token, **again),
    ]


def run_together(commands: Sequence["Command[Any]"]) -> None:
    """Run commands without waiting for the answer to each."""
    from project.celery import app
    from project.store.connection import KEYS
    from project.store.scripts import DIGESTS

    pipeline = app.store.client.pipeline(transaction=False)
    for each in commands:
        pipeline.evalsha(DIGESTS[each.script], len(KEYS), *KEYS, *each.arguments)
    pipeline.execute()


def read_memory() -> int:
    """Bytes that Valkey uses."""
    from project.celery import app

    return int(app.store.client.info("memory")["used_memory"])


def print_times(what: str, seconds: Sequence[float]) -> None:
    """Print the p50 and the p99 of some times."""
    p99 = quantiles(seconds, n=100)[98]
    print(f"{what}: p50 {middle(seconds) * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms", flush=True)


def middle(seconds: Sequence[float]) -> float:
    """The median."""
    return sorted(seconds)[len(seconds) // 2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

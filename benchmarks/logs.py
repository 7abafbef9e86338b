"""Measure what the logs of jobs cost: ``python -m benchmarks.logs [--jobs N] [--megabytes N]``.

Prints how fast a worker with Flower drains jobs that log nothing, jobs with ten lines that only the
log of the worker has, and jobs with ten lines that are kept for the job, in rounds that alternate;
how many bytes of Redis a job takes that prints very much; and how fast the other process of its
worker drains silent jobs meanwhile.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.support.waiting import wait_until
from project.local.demo import find_free_ports
from project.local.valkey import EmbeddedValkey

MAX_SECONDS = 900.0
BATCH = 500
WORKER = (
    *("worker", "--loglevel=INFO", "--concurrency=2"),
    *("--include=benchmarks.log_kinds", "--queues=celery"),
)


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logs", description=__doc__)
    parser.add_argument("--jobs", type=int, default=5_000, help="of each drain")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=1_000, help="that one job prints")
    asked = parser.parse_args(arguments)
    port, flower_port = find_free_ports(2)
    with tempfile.TemporaryDirectory(prefix="continuo-bench-") as name, ExitStack() as ends:
        os.environ |= {"DATA_DIR": name, "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        ends.enter_context(EmbeddedValkey(Path(name) / "valkey", port))
        with Path(name, "output").open("wb") as output:
            for options in (WORKER, ("flower", f"--port={flower_port}")):
                ends.callback(stop, start(options, output))
            measure_drains(asked.jobs, asked.rounds)
            measure_shout(asked.megabytes)
    return 0


def start(options: Sequence[str], output: Any) -> "subprocess.Popen[bytes]":
    """Start a program of Celery."""
    command = [sys.executable, "-m", "celery", "-A", "project", *options]
    return subprocess.Popen(command, stdout=output, stderr=output)


def stop(program: "subprocess.Popen[bytes]") -> None:
    """Stop a program."""
    program.kill()
    program.wait(MAX_SECONDS)


def measure_drains(jobs: int, rounds: int) -> None:
    """Print the rates of the kinds and their ratios."""
    from benchmarks import log_kinds

    kinds = (log_kinds.be_silent, log_kinds.talk_unkept, log_kinds.talk)
    for kind in kinds:
        drain(kind, BATCH)  # warm
    rates: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    for number in range(rounds):
        for kind in kinds[:: 1 if number % 2 else -1]:
            rates[kind.name].append(jobs / drain(kind, jobs))
    silent, unkept, kept = (median(each) for each in rates.values())
    print(f"no line {silent:,.0f} jobs/s; ten lines, not kept: {unkept:,.0f} jobs/s", end="")
    print(f", kept: {kept:,.0f} jobs/s, {kept / unkept:.3f} of that")


def drain(kind: Any, jobs: int) -> float:
    """Seconds until a worker has done so many jobs that wait."""
    from project.celery import app
    from project.store.commands import queues

    app.store.run(queues.pause("celery"))
    done = count_done(kind.name) + jobs
    for first in range(0, jobs, BATCH):
        count = min(BATCH, jobs - first)
        app.begin_enqueue_all([kind.message() for _ in range(count)])()
    started = time.monotonic()
    app.store.run(queues.resume("celery"))
    wait_until(lambda: count_done(kind.name) >= done, MAX_SECONDS, "the jobs")
    return time.monotonic() - started


def measure_shout(megabytes: int) -> None:
    """Print what a job costs that prints so much, and how fast others are meanwhile."""
    from benchmarks import log_kinds
    from project.celery import app

    alone = BATCH * 2 / drain(log_kinds.be_silent, BATCH * 2)
    job = log_kinds.shout.delay(megabytes)
    wait_until(lambda: app.store.client.exists(f"continuo:log:{job.id}"), MAX_SECONDS, "the job")
    beside = BATCH * 2 / drain(log_kinds.be_silent, BATCH * 2)
    is_beside = not job.record.is_final
    wait_until(lambda: job.record.is_final, MAX_SECONDS, "the job that prints")
    record = job.record
    memory = app.store.client.memory_usage(f"continuo:log:{job.id}")
    print(f"{megabytes:,} MB printed in {record.finished_at - record.started_at:.1f} s", end="")
    print(f": {memory:,} bytes of Redis; the others {beside / alone:.2f} as fast as without")
    if not is_beside:
        print("  the job had ended before the others: give it more megabytes")


def count_done(kind: str) -> int:
    """How many jobs of a kind have succeeded."""
    from project.celery import app

    return int(app.store.client.zcard(f"continuo:index:{kind}@celery:success"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

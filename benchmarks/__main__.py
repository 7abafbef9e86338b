"""``python -m benchmarks``: enqueue, drain, pickup and size of empty jobs, medians of rounds.

On a Valkey and a worker of its own; nothing of a running system is touched. Compare
with other stacks on the same machine in the same minute, not with other machines.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from project.demo import free_ports

ROUNDS = 3
JOBS = 3_000
PICKUPS = 200
DRAIN_SECONDS = 120.0


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="continuo-bench-") as folder:
        (port,) = free_ports(1)
        os.environ |= {"DATA_DIR": folder, "VALKEY_PORT": str(port)}
        for name in ("REDIS_URL", "BROKER_URL"):
            os.environ.pop(name, None)
        from project.embedded import EmbeddedValkey  # settings are read at the first import

        with EmbeddedValkey(Path(folder) / "valkey", port):
            measure()
    return 0


def measure() -> None:
    """Print one line per figure: median and spread of the rounds."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")  # noqa: T201
    enqueue_rates, drain_rates, pickups = [], [], []
    for _ in range(ROUNDS):
        enqueue_rates.append(JOBS / seconds(enqueue_all))
        with worker():
            drain_rates.append(JOBS / seconds(lambda: wait_for(0)))
            pickups.append(statistics.median(pickup() for _ in range(PICKUPS)) * 1000)
    tell("enqueue, apply_async one by one", enqueue_rates, "jobs/s")
    tell("drain, one worker of 2 processes", drain_rates, "jobs/s")
    tell("pickup, enqueue to start, idle", pickups, "ms")
    tell("size of a finished record", [record_size()], "bytes")


def enqueue_all() -> None:
    """Queue the jobs of a round."""
    from benchmarks.kinds import nothing

    for _ in range(JOBS):
        nothing.apply_async()


def wait_for(pending: int) -> None:
    """Return when no more jobs than this are unfinished."""
    from project import moves
    from project.celery import app

    end = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < end:
        counts = app.store.run(moves.stats()).status_counts
        if counts["pending"] + counts["running"] <= pending:
            return
        time.sleep(0.02)
    raise TimeoutError(f"the jobs were not done within {DRAIN_SECONDS:.0f} s")


def pickup() -> float:
    """Seconds from a job's record to its start."""
    from benchmarks.kinds import nothing

    job = nothing.apply_async()
    job.get(timeout=10)
    record = job.record
    return float(record.started_at - record.created_at)


def record_size() -> float:
    """Bytes that Valkey holds per finished job, lists included."""
    from project import moves
    from project.celery import app

    total = app.store.run(moves.stats()).total_tasks
    return float(app.store.client.info("memory")["used_memory_dataset"]) / total


class worker:  # noqa: N801 - used like a function
    """A worker of two processes while the block runs; it has begun when the block begins."""

    def __enter__(self) -> None:
        """Start it and wait until the first job is done."""
        command = [sys.executable, "-m", "celery", "-A", "project", "worker", "-c", "2"]
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--include=benchmarks.kinds", "--loglevel=ERROR"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(JOBS - 1)

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(60)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def tell(name: str, figures: list[float], unit: str) -> None:
    """One line: the median, and the spread when there is one."""
    spread = f" ({min(figures):,.1f} to {max(figures):,.1f})" if len(figures) > 1 else ""
    print(f"{name:<36}{statistics.median(figures):>10,.1f} {unit}{spread}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

"""Run 200,000 jobs of mixed kinds with faults and watch memory: ``python -m benchmarks.soak``.

Runs the whole system of ``make up`` in its own folder. Records are kept for a minute, so that
their number stays constant. Jobs arrive at a steady rate, and pool processes are killed at
intervals. Writes ``benchmarks/results/soak.json`` and draws it.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import redis

from benchmarks.stacks.soak_kinds import flaky, quick
from benchmarks.support.environment import PEERS_FOLDER, install_environment
from benchmarks.support.machine import describe_machine, read_output
from benchmarks.support.processes import ROOT, MeasuredProgram, list_tree
from benchmarks.support.waiting import wait_until
from project.celery import app
from project.local import procfile
from project.local.demo import find_free_ports
from project.local.valkey import EmbeddedValkey
from project.records.record import FINAL_STATUSES
from project.store.client import Store
from project.store.commands import jobs, statistics
from project.store.commands.message import Message

RESULTS = ROOT / "benchmarks" / "results" / "soak.json"
PROGRAMS = ROOT / ".venv" / "bin"
JOB_COUNT = 200_000
JOBS_PER_SECOND = 350.0
JOBS_PER_STEP = 100
RETENTION_SECONDS = "60"
SAMPLE_INTERVAL_SECONDS = 5.0
KILL_INTERVAL_SECONDS = 20.0
MAX_SETTLE_SECONDS = 300.0
"""Time limit from the last sent job until all jobs are final."""

JOBS_PER_THOUSAND = {quick.name: 935, flaky.name: 50, "email_blast": 13, "report": 1, "export": 1}
"""The mix of kinds per thousand jobs."""

KWARGS: dict[str, dict[str, Any]] = {
    quick.name: {"number": 1},
    flaky.name: {"number": 1},
    "email_blast": {"recipients": ["ada@example.com"], "template": "welcome"},
    "report": {"type": "shop", "filters": {}},
    "export": {"type": "shop", "filters": {}, "format": "csv"},
}
UNFINISHED = ("pending", "running", "retrying", "waiting")


class Soak:
    """The system under test, its load and its samples."""

    def __init__(self, folder: Path, valkey: EmbeddedValkey, ends: ExitStack) -> None:
        self.folder = folder
        self.redis = redis.Redis.from_url(valkey.url)
        self.store = Store(valkey.url)
        self.port, self.smtp_port, self.flower_port = find_free_ports(3)
        self.programs: dict[str, MeasuredProgram] = {}
        self.samples: list[dict[str, Any]] = []
        self.started = time.monotonic()
        self.killed = 0
        self._url = valkey.url
        self._cleanup = ends
        self._kill_at = self.started + KILL_INTERVAL_SECONDS
        self._sample_at = 0.0

    def start(self) -> None:
        """Start the Procfile's processes and the mail sink."""
        lines = procfile.read_commands(ROOT / "Procfile") | {
            "sink": "python -m project.local.mail_sink"
        }
        lines["worker"] += " --include=benchmarks.stacks.soak_kinds"
        self.programs = {name: self._program(name, line) for name, line in lines.items()}
        wait_until(self.is_ready, 60, "the worker is ready")

    def is_ready(self) -> bool:
        """Whether the worker takes jobs."""
        return b" ready." in self.programs["worker"].log.read_bytes()

    def _program(self, name: str, line: str) -> MeasuredProgram:
        environment = {
            "PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.folder),
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": self._url,
            "DATA_DIR": str(self.folder),
            "PORT": str(self.port),
            "SMTP_PORT": str(self.smtp_port),
            "FLOWER_PORT": str(self.flower_port),
            "RETENTION_SUCCESS": RETENTION_SECONDS,
            "RETENTION_FAILED": RETENTION_SECONDS,
            "CONTINUO_FAULT_RATE": "0.3",
        }
        command = ["sh", "-c", f"exec {line}"]
        program = MeasuredProgram(command, environment, self.folder / f"{name}.log")
        self._cleanup.callback(program.kill)
        return program

    def send(self, count: int, rate: float) -> None:
        """Send ``count`` jobs at a steady rate, and take samples meanwhile."""
        begun = time.monotonic()
        for sent in range(0, count, JOBS_PER_STEP):
            messages = [self.message() for _ in range(min(JOBS_PER_STEP, count - sent))]
            self.store.run(jobs.enqueue_many(messages))
            while time.monotonic() < begun + (sent + JOBS_PER_STEP) / rate:
                self.look(sent + JOBS_PER_STEP)
                time.sleep(0.02)

    def message(self) -> Message:
        """The message of a job of a random kind."""
        (kind,) = random.choices(list(JOBS_PER_THOUSAND), list(JOBS_PER_THOUSAND.values()))  # noqa: S311 - not a secret
        message: Message = app.tasks[kind].message(kwargs=KWARGS[kind])
        return message

    def settle(self, count: int) -> None:
        """Wait until all jobs are final."""

        def is_done() -> bool:
            self.look(count)
            return not self.unfinished()

        wait_until(is_done, MAX_SETTLE_SECONDS, "all jobs are final")

    def unfinished(self) -> int:
        """The number of jobs that are not final."""
        counts = self.counts()
        return sum(counts.get(status, 0) for status in UNFINISHED)

    def counts(self) -> dict[str, int]:
        """The number of jobs by status."""
        return self.store.run(statistics.read_stats()).status_counts

    def count_ended(self) -> dict[str, int]:
        """The number of ended jobs by status, including deleted records."""
        shelves = self.store.run(statistics.read_counters()).queue_stats
        return {end: sum(shelf.finished(end) for shelf in shelves) for end in FINAL_STATUSES}

    def count_repeated(self) -> int:
        """The number of failed attempts that were retried."""
        shelves = self.store.run(statistics.read_counters()).queue_stats
        return sum(shelf.attempts("retrying") for shelf in shelves)

    def look(self, sent: int) -> None:
        """Kill a pool process and take a sample when they are due."""
        now = time.monotonic()
        if now >= self._kill_at:
            self._kill_at = now + KILL_INTERVAL_SECONDS
            self.kill()
        if now >= self._sample_at:
            self._sample_at = now + SAMPLE_INTERVAL_SECONDS
            self.samples.append(self.sample(sent))

    def kill(self) -> None:
        """Kill a random pool process."""
        pool = list_tree(self.programs["worker"].process.pid)[1:]
        with suppress(ProcessLookupError, IndexError):
            os.kill(random.choice(pool), signal.SIGKILL)  # noqa: S311 - not a secret
            self.killed += 1

    def sample(self, sent: int) -> dict[str, Any]:
        """The memory of every process (MiB) and the contents of Redis."""
        for program in self.programs.values():
            program.require_running()
        used = self.redis.info("memory")
        return {
            "at": round(time.monotonic() - self.started, 1),
            "sent": sent,
            "mib": {name: to_mib(program.memory()) for name, program in self.programs.items()}
            | {"valkey": to_mib(used["used_memory"])},
            "records": sum(self.counts().values()),
            "unfinished": self.unfinished(),
        }


def to_mib(count: float) -> float:
    """Convert bytes to MiB."""
    return round(count / (1 << 20), 1)


@contextmanager
def open_soak() -> Iterator[Soak]:
    """A running system, which ends with the block."""
    (port,) = find_free_ports(1)
    with (
        tempfile.TemporaryDirectory(prefix="continuo-soak-", ignore_cleanup_errors=True) as folder,
        EmbeddedValkey(Path(folder) / "valkey", port) as valkey,
        ExitStack() as ends,
    ):
        yield Soak(Path(folder), valkey, ends)


def main() -> int:
    """Send, sample, write and draw; returns 1 when a job is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOB_COUNT)
    parser.add_argument("--rate", type=float, default=JOBS_PER_SECOND, help="jobs per second")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    app.loader.import_default_modules()
    with open_soak() as soak:
        soak.start()
        soak.send(asked.jobs, asked.rate)
        soak.settle(asked.jobs)
        found = build_result(soak, asked.jobs)
    asked.out.write_text(json.dumps(found, indent=1))
    plot = [
        install_environment(PEERS_FOLDER) / "python",
        "-m",
        "benchmarks.support.plot_soak",
        asked.out,
    ]
    subprocess.run(plot, cwd=ROOT, check=True, timeout=120)
    print(json.dumps({name: found[name] for name in found if name != "samples"}, indent=1))
    return 0 if sum(found["ended"].values()) == asked.jobs else 1


def build_result(soak: Soak, count: int) -> dict[str, Any]:
    """The figures of the run."""
    ended = soak.count_ended()
    return {
        "machine": describe_machine(),
        "commit": read_output("git", "rev-parse", "--short", "HEAD"),
        "jobs": count,
        "ended": ended,
        "attempts_repeated": soak.count_repeated(),
        "killed": soak.killed,
        "seconds": round(time.monotonic() - soak.started, 1),
        "samples": soak.samples,
    }


if __name__ == "__main__":
    sys.exit(main())

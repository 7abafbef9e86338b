"""``python -m benchmarks.mail``: a blast beside a smtplib loop and a Celery task per recipient.

All hand the same mails to the same server, postfix's ``smtp-sink`` when it is found (it is in
Debian's package postfix), else the bundled sink. ``--memory 200000`` measures the worker's memory
over that many recipients instead.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from benchmarks.naive_mail import SENT, address
from benchmarks.patience import until
from benchmarks.processes import ROOT, Program
from project.local.demo import free_ports
from project.local.valkey import EmbeddedValkey
from project.records.record import TaskRecord
from project.store.client import Store
from project.store.commands import jobs as job_commands
from project.store.commands import queries
from tasks.emails import send_email_blast
from tasks.emails.delivery import commands
from tasks.emails.delivery.chunks import CHUNK
from tasks.emails.delivery.commands import Line
from tasks.emails.delivery.ledger import fold
from tasks.emails.delivery.ledger_store import seconds_kept

PROGRAMS = ROOT / ".venv" / "bin"
LONGEST = 1_800.0
SLOTS = 2
SAMPLES = 10


class Scene:
    """A Valkey, a mail server that throws mails away, and a folder."""

    def __init__(self, folder: Path, valkey: EmbeddedValkey, ends: ExitStack, sink: str) -> None:
        self._folder = folder
        self._ends = ends
        self.redis = redis.Redis.from_url(valkey.url)
        self.store = Store(valkey.url)
        (port,) = free_ports(1)
        self.environment = {
            "PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "REDIS_URL": valkey.url,
            "SMTP_PORT": str(port),
            "DATA_DIR": str(folder),
            "WORKER_CONCURRENCY": str(SLOTS),
            "CONTINUO_MAIL_WORKERS": str(SLOTS),
            "LD_LIBRARY_PATH": str(Path(sink).parents[1] / "lib" / "postfix") if sink else "",
        }
        at = f"127.0.0.1:{port}"
        own = [str(PROGRAMS / "python"), "-m", "project.local.mail_sink"]
        self.start("sink", *([sink, "-u", "nobody", at, "256"] if sink else own))

    def start(self, name: str, *command: str) -> Program:
        """Start a process that ends with the scene."""
        program = Program(command, self.environment, self._folder / f"{name}.log")
        self._ends.callback(program.kill)
        return program

    def worker(self, app: str, *options: str) -> Program:
        """A Celery worker, ready."""
        celery = str(PROGRAMS / "celery")
        command = [celery, "-A", app, "worker", f"--concurrency={SLOTS}", "--loglevel=INFO"]
        worker = self.start(app, *command, *options)
        until(lambda: self._is_ready(worker), 60, "the worker is ready")
        return worker

    def _is_ready(self, worker: Program) -> bool:
        worker.require_running()
        return " ready." in worker.log.read_text(errors="replace")


@contextmanager
def scene(sink: str) -> Iterator[Scene]:
    """All of it, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="continuo-mail-"))
    folder.chmod(0o755)
    (port,) = free_ports(1)
    try:
        with EmbeddedValkey(folder / "valkey", port) as valkey, ExitStack() as ends:
            yield Scene(folder, valkey, ends, sink)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def smtplib_loop(on: Scene, count: int) -> float:
    """One process, one connection."""
    loop = on.start("loop", str(PROGRAMS / "python"), "-m", "benchmarks.naive_mail", str(count))
    if loop.process.wait(LONGEST):
        loop.require_running()
    return float(loop.log.read_text())


def celery_tasks(on: Scene, count: int) -> float:
    """A stock worker, a task and a connection for each recipient; the tasks are queued before."""
    enqueue = f"from benchmarks.naive_mail import enqueue; enqueue({count})"
    on.start("enqueue", str(PROGRAMS / "python"), "-c", enqueue).process.wait(LONGEST)
    on.worker("benchmarks.naive_mail:queue", "--without-mingle", "--without-gossip")
    first, started = int(on.redis.get(SENT) or 0), time.perf_counter()
    until(lambda: int(on.redis.get(SENT) or 0) >= count, LONGEST, "all tasks are done")
    return (time.perf_counter() - started) * count / max(count - first, 1)


def blast(on: Scene, count: int) -> float:
    """A blast of ours, with its ledger, by the duration in its result."""
    on.worker("project", "--without-mingle", "--without-gossip")
    result = finished(on, order(on, count))
    return float(result["duration"])


def memory(on: Scene, count: int) -> dict[str, Any]:
    """What the worker's processes and Valkey hold while they mail so many, in MiB."""
    worker = on.worker("project", "--without-mingle", "--without-gossip")
    held, started = valkey_bytes(on), time.perf_counter()
    job_id = order(on, count)
    added = time.perf_counter() - started
    samples = watched(on, worker, job_id, count)
    return {
        "seconds_to_add": round(added, 1),
        "valkey_bytes_per_recipient": round((valkey_bytes(on) - held) / count),
        "samples": samples,
        "result": finished(on, job_id),
    }


def valkey_bytes(on: Scene) -> int:
    """What Valkey has allocated."""
    return int(on.redis.info("memory")["used_memory"])


def watched(on: Scene, worker: Program, job_id: str, count: int) -> list[dict[str, float]]:
    """The worker's memory after each tenth of the recipients."""
    samples: list[dict[str, float]] = []

    def sample() -> bool:
        tally = on.store.run(commands.tally(job_id))
        sent = tally.counts.get("sent", 0)
        if sent >= len(samples) * count // SAMPLES:
            mib = worker.memory() / (1 << 20)
            samples.append({"sent": sent, "worker_mib": round(mib, 1)})
            print(samples[-1], flush=True)
        return sent == count

    until(sample, LONGEST, "all are mailed")
    return samples


def order(on: Scene, count: int) -> str:
    """A blast whose recipients come in parts, started; its id."""
    said = {"recipients": [], "template": "default", "upload": True}
    message = send_email_blast.message(kwargs=said, countdown=3_600)
    on.store.run(job_commands.enqueue(message))
    for first in range(0, count, CHUNK):
        people = [address(number) for number in range(first, min(first + CHUNK, count))]
        lines = [Line(fold(one), "", commands.encode_row(one)) for one in people]
        on.store.run(commands.add(message.id, lines, kept=seconds_kept(), most=count))
    on.store.run(commands.start(message.id, kept=seconds_kept()))
    return str(message.id)


def finished(on: Scene, job_id: str) -> dict[str, Any]:
    """The result of a blast. Raises ``RuntimeError`` when it has none."""

    def final() -> TaskRecord | None:
        record = on.store.run(queries.read(job_id))
        return record if record and record.is_final else None

    record = until(final, LONGEST, "the blast is done")
    if record is None or not record.result:
        raise RuntimeError(record.error if record else "no record")
    return dict(record.result)


WAYS: dict[str, Callable[[Scene, int], float]] = {
    "smtplib, one connection": smtplib_loop,
    "a Celery task per recipient": celery_tasks,
    "our blast": blast,
}


def compare(sink: str, count: int, rounds: int) -> dict[str, list[float]]:
    """Mails a second of each way, in every round."""
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            with scene(sink) as on:
                rates[name].append(round(count / way(on, count), 1))
            print(f"{name:28} {rates[name][-1]:8.0f} mails/s", flush=True)
    return rates


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail", description=__doc__)
    parser.add_argument("--recipients", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, metavar="RECIPIENTS")
    parser.add_argument("--sink", default=shutil.which("smtp-sink") or "", help="path of smtp-sink")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    found: dict[str, Any] = {"cpus": os.cpu_count(), "sink": Path(asked.sink).name or "outbox"}
    if asked.memory:
        with scene(asked.sink) as on:
            found["memory"] = memory(on, asked.memory)
    else:
        found["rates"] = compare(asked.sink, asked.recipients, asked.rounds)
        found["medians"] = {name: statistics.median(all_) for name, all_ in found["rates"].items()}
    text = json.dumps(found, indent=1)
    print(text)
    if asked.json:
        asked.json.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

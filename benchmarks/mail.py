"""Compare a blast with smtplib and with a Celery task per recipient: ``python -m benchmarks.mail``.

All send the same mails to the same server: postfix's ``smtp-sink`` (Debian's package postfix) if
it is found, else the bundled sink. ``--memory 200000`` measures the worker's memory with that
number of recipients instead.
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

from benchmarks.stacks.naive_mail import SENT_KEY, address_of
from benchmarks.support.processes import ROOT, MeasuredProgram
from benchmarks.support.waiting import wait_until
from project.local.demo import find_free_ports
from project.local.valkey import EmbeddedValkey
from project.records.record import TaskRecord
from project.store.client import Store
from project.store.commands import jobs as job_commands
from project.store.commands import queries
from tasks.emails import send_email_blast
from tasks.emails.delivery import commands
from tasks.emails.delivery.commands import RecipientLine
from tasks.emails.delivery.ledger import fold_address
from tasks.emails.delivery.ledger_store import compute_retention_seconds
from tasks.emails.delivery.order import RECIPIENTS_PER_CHUNK, encode_row

PROGRAMS = ROOT / ".venv" / "bin"
MAX_RUN_SECONDS = 1_800.0
SLOTS = 2
SAMPLE_COUNT = 10


class MailScene:
    """A Valkey, a mail server that discards mails, and a folder."""

    def __init__(self, folder: Path, valkey: EmbeddedValkey, ends: ExitStack, sink: str) -> None:
        self._folder = folder
        self._cleanup = ends
        self.redis = redis.Redis.from_url(valkey.url)
        self.store = Store(valkey.url)
        (port,) = find_free_ports(1)
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

    def start(self, name: str, *command: str) -> MeasuredProgram:
        """Start a process that ends with the scene."""
        program = MeasuredProgram(command, self.environment, self._folder / f"{name}.log")
        self._cleanup.callback(program.kill)
        return program

    def worker(self, app: str, *options: str) -> MeasuredProgram:
        """Start a Celery worker and wait until it is ready."""
        celery = str(PROGRAMS / "celery")
        command = [celery, "-A", app, "worker", f"--concurrency={SLOTS}", "--loglevel=INFO"]
        worker = self.start(app, *command, *options)
        wait_until(lambda: self._is_ready(worker), 60, "the worker is ready")
        return worker

    def _is_ready(self, worker: MeasuredProgram) -> bool:
        worker.require_running()
        return " ready." in worker.log.read_text(errors="replace")


@contextmanager
def open_scene(sink: str) -> Iterator[MailScene]:
    """A running scene; everything ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="continuo-mail-"))
    folder.chmod(0o755)
    (port,) = find_free_ports(1)
    try:
        with EmbeddedValkey(folder / "valkey", port) as valkey, ExitStack() as ends:
            yield MailScene(folder, valkey, ends, sink)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_smtplib_loop(on: MailScene, count: int) -> float:
    """Mails per second of one process with one connection."""
    loop = on.start(
        "loop", str(PROGRAMS / "python"), "-m", "benchmarks.stacks.naive_mail", str(count)
    )
    if loop.process.wait(MAX_RUN_SECONDS):
        loop.require_running()
    return float(loop.log.read_text())


def run_celery_tasks(on: MailScene, count: int) -> float:
    """Mails per second of a stock worker with a task and a connection per recipient."""
    enqueue = f"from benchmarks.stacks.naive_mail import enqueue; enqueue({count})"
    on.start("enqueue", str(PROGRAMS / "python"), "-c", enqueue).process.wait(MAX_RUN_SECONDS)
    on.worker("benchmarks.stacks.naive_mail:queue", "--without-mingle", "--without-gossip")
    first, started = int(on.redis.get(SENT_KEY) or 0), time.perf_counter()
    wait_until(
        lambda: int(on.redis.get(SENT_KEY) or 0) >= count, MAX_RUN_SECONDS, "all tasks are done"
    )
    return (time.perf_counter() - started) * count / max(count - first, 1)


def run_blast(on: MailScene, count: int) -> float:
    """Mails per second of a blast with its ledger, by the duration in its result."""
    on.worker("project", "--without-mingle", "--without-gossip")
    result = wait_for_result(on, enqueue_blast(on, count))
    return float(result["duration"])


def measure_memory(on: MailScene, count: int) -> dict[str, Any]:
    """The memory of the worker's processes and Valkey during a blast, in MiB."""
    worker = on.worker("project", "--without-mingle", "--without-gossip")
    held, started = read_valkey_bytes(on), time.perf_counter()
    job_id = enqueue_blast(on, count)
    added = time.perf_counter() - started
    samples = watch_memory(on, worker, job_id, count)
    return {
        "seconds_to_add": round(added, 1),
        "valkey_bytes_per_recipient": round((read_valkey_bytes(on) - held) / count),
        "samples": samples,
        "result": wait_for_result(on, job_id),
    }


def read_valkey_bytes(on: MailScene) -> int:
    """The bytes that Valkey has allocated."""
    return int(on.redis.info("memory")["used_memory"])


def watch_memory(
    on: MailScene, worker: MeasuredProgram, job_id: str, count: int
) -> list[dict[str, float]]:
    """The worker's memory after each tenth of the recipients."""
    samples: list[dict[str, float]] = []

    def sample() -> bool:
        tally = on.store.run(commands.read_tally(job_id))
        sent = tally.counts.get("sent", 0)
        if sent >= len(samples) * count // SAMPLE_COUNT:
            mib = worker.memory() / (1 << 20)
            samples.append({"sent": sent, "worker_mib": round(mib, 1)})
            print(samples[-1], flush=True)
        return sent == count

    wait_until(sample, MAX_RUN_SECONDS, "all are mailed")
    return samples


def enqueue_blast(on: MailScene, count: int) -> str:
    """Order a blast with its recipients in parts and start it; returns its id."""
    said = {"recipients": [], "template": "default", "upload": True}
    message = send_email_blast.message(kwargs=said, countdown=3_600)
    on.store.run(job_commands.enqueue(message))
    for first in range(0, count, RECIPIENTS_PER_CHUNK):
        people = [
            address_of(number) for number in range(first, min(first + RECIPIENTS_PER_CHUNK, count))
        ]
        lines = [RecipientLine(fold_address(one), "", encode_row(one)) for one in people]
        on.store.run(
            commands.add_recipients(
                message.id,
                lines,
                keep_seconds=compute_retention_seconds(),
                max_recipients=count,
            )
        )
    on.store.run(commands.start_mailing(message.id, keep_seconds=compute_retention_seconds()))
    return str(message.id)


def wait_for_result(on: MailScene, job_id: str) -> dict[str, Any]:
    """The result of a blast. Raises ``RuntimeError`` when the blast fails."""

    def final() -> TaskRecord | None:
        record = on.store.run(queries.read_record(job_id))
        return record if record and record.is_final else None

    record = wait_until(final, MAX_RUN_SECONDS, "the blast is done")
    if record is None or not record.result:
        raise RuntimeError(record.error if record else "no record")
    return dict(record.result)


METHODS: dict[str, Callable[[MailScene, int], float]] = {
    "smtplib, one connection": run_smtplib_loop,
    "a Celery task per recipient": run_celery_tasks,
    "our blast": run_blast,
}


def compare_methods(sink: str, count: int, rounds: int) -> dict[str, list[float]]:
    """Mails per second of each method, in every round."""
    rates: dict[str, list[float]] = {name: [] for name in METHODS}
    for _ in range(rounds):
        for name, way in METHODS.items():
            with open_scene(sink) as on:
                rates[name].append(round(count / way(on, count), 1))
            print(f"{name:28} {rates[name][-1]:8.0f} mails/s", flush=True)
    return rates


def main() -> int:
    """Measure what the command line requests."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail", description=__doc__)
    parser.add_argument("--recipients", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, metavar="RECIPIENTS")
    parser.add_argument("--sink", default=shutil.which("smtp-sink") or "", help="path of smtp-sink")
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    found: dict[str, Any] = {"cpus": os.cpu_count(), "sink": Path(asked.sink).name or "outbox"}
    if asked.memory:
        with open_scene(asked.sink) as on:
            found["memory"] = measure_memory(on, asked.memory)
    else:
        found["rates"] = compare_methods(asked.sink, asked.recipients, asked.rounds)
        found["medians"] = {name: statistics.median(all_) for name, all_ in found["rates"].items()}
    text = json.dumps(found, indent=1)
    print(text)
    if asked.json:
        asked.json.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

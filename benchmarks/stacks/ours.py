"""Continuo's functions for ``benchmarks.comparison.driver``, and those that only Continuo has."""

import json
import shlex
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.stacks.kinds import nap, nothing, stamp
from benchmarks.stacks.shared import REPORT_RESULT, wait_for_moments
from benchmarks.support.waiting import wait_until
from project.celery import app
from project.job.bulk import enqueue_many
from project.job.result import JobResult
from project.local import procfile
from project.records.record import TaskRecord, TaskStatus
from project.store.commands import attempts as attempt_commands
from project.store.commands import statistics, workers
from project.store.commands.attempts import StartResult, Verdict
from project.store.commands.command import Argument, Command
from project.store.connection import KEYS
from project.store.scripts import SCRIPTS
from tasks.emails import send_email_blast
from tasks.rendering.definitions import filters
from tasks.reports import generate_report

PROCFILE = Path(__file__).parents[2] / "Procfile"
QUEUE = "celery"
JOBS_PER_STEP = 1_000
MAX_SAMPLE_IDS = 500
WORK_TIMEOUT_SECONDS = 300.0
REPORT_ARGUMENTS = {"type": "summary", "filters": filters.check_filters("summary", {})}


def worker_command(processes: int) -> list[str]:
    """The Procfile's command, with the same log level as the others."""
    options = [
        f"--concurrency={processes}",
        "--include=benchmarks.stacks.kinds",
        "--loglevel=WARNING",
    ]
    return [*shlex.split(procfile.read_commands(PROCFILE)["worker"]), *options]


def flower_command(port: int) -> list[str]:
    """The Procfile's command of Flower."""
    return [*shlex.split(procfile.read_commands(PROCFILE)["flower"]), f"--port={port}"]


def nap_worker(jobs: int) -> tuple[list[str], dict[str, str]]:
    """The command and the variables of a worker of one process for ``jobs`` jobs at once."""
    return worker_command(1), {"WORKER_ASYNC_JOBS": str(jobs)}


def enqueue_naps(count: int) -> None:
    """Enqueue jobs that sleep."""
    for _ in range(count):
        nap.apply_async()


def enqueue(count: int) -> None:
    """Enqueue empty jobs."""
    for _ in range(count):
        nothing.apply_async()


def enqueue_stamps(rate: float, seconds: float) -> None:
    """Enqueue jobs that record their wait."""
    for sent in wait_for_moments(rate, seconds):
        stamp.apply_async((sent,))


def count_finished(sent: int) -> int:  # noqa: ARG001 - other stacks need it
    """The number of records with status success."""
    return app.store.run(statistics.read_stats()).status_counts["success"]


# --- measured for Continuo only


def bulk(count: int) -> None:
    """Order reports with ``enqueue_many``."""
    enqueue_many(generate_report.s(**REPORT_ARGUMENTS) for _ in range(count))


def push(count: int) -> float:
    """Seconds to push the bare messages of ``count`` reports to a list, 1,000 at a time."""
    texts = [generate_report.message(kwargs=REPORT_ARGUMENTS).text for _ in range(count)]
    start = time.perf_counter()
    for first in range(0, count, JOBS_PER_STEP):
        with app.store.client.pipeline(transaction=False) as pipe:
            for text in texts[first : first + JOBS_PER_STEP]:
                pipe.lpush("bench:raw", text)
            pipe.execute()
    return time.perf_counter() - start


def fill(count: int) -> list[str]:
    """Create ``count`` records of finished reports; returns the ids of an even sample."""
    ids: list[str] = []
    while len(ids) < count:
        step = min(JOBS_PER_STEP, count - len(ids))
        bulk(step)
        ids += process_waiting(step)
    return ids[:: max(count // MAX_SAMPLE_IDS, 1)]


def process_waiting(most: int) -> list[str]:
    """Do everything that a worker does with waiting jobs but their work; their ids."""
    me: dict[str, Argument] = {"host": "bench", "pid": 0, "slots": 0, "started_at": time.time()}
    app.store.run(workers.renew_lease("bench", WORK_TIMEOUT_SECONDS, me, first=True))
    taken = app.store.run(workers.fetch("bench", serial=1, most=most, done=(), lists=[QUEUE]))
    ids = [json.loads(text)["headers"]["id"] for _, text in taken]
    tokens = [f"bench#{serial}" for serial in range(1, len(ids) + 1)]
    attempts = list(zip(ids, tokens, strict=True))
    run_commands(
        [attempt_commands.start(job, retries=0, token=token) for job, token in attempts],
        StartResult.STARTED,
    )
    run_commands([build_succeed(job, token) for job, token in attempts], Verdict.APPLIED)
    app.store.run(workers.ack("bench", [token.partition("#")[2] for token in tokens]))
    app.store.run(workers.sign_off("bench"))
    return ids


def build_succeed(job_id: str, token: str) -> Command[Verdict]:
    """The command with which a worker ends the job of a report."""
    meta = {"task_id": job_id, "status": "SUCCESS", "result": REPORT_RESULT, "traceback": None}
    return attempt_commands.succeed(
        job_id, token=token, result=json.dumps(REPORT_RESULT), result_message=json.dumps(meta)
    )


def run_commands(steps: Sequence[Command[Any]], expected: Any) -> None:
    """Run commands in one pipeline. Raises ``RuntimeError`` for an unexpected answer."""
    with app.store.client.pipeline(transaction=False) as pipe:
        for move in steps:
            pipe.evalsha(load_script(move.script), len(KEYS), *KEYS, *map(str, move.arguments))
        answers = {move.read(answer) for move, answer in zip(steps, pipe.execute(), strict=True)}
    if answers - {expected}:
        raise RuntimeError(f"expected {expected}, not {answers}")


@cache
def load_script(script: str) -> str:
    """Load a script into Redis; returns its SHA-1."""
    return str(app.store.client.script_load(SCRIPTS[script]))


def render(count: int) -> float:
    """Reports per second made by the running worker."""
    return count / measure_span(
        [generate_report.apply_async(kwargs=REPORT_ARGUMENTS) for _ in range(count)]
    )


def mail(blasts: int, recipients: int) -> float:
    """Mails per second sent by the running worker."""
    readers = [f"reader{number}@example.com" for number in range(recipients)]
    blast = {"recipients": readers, "template": "welcome"}
    jobs = [send_email_blast.apply_async(kwargs=blast) for _ in range(blasts)]
    return blasts * recipients / measure_span(jobs)


def measure_span(jobs: list[JobResult]) -> float:
    """Seconds from the first start to the last end, once all jobs have succeeded."""
    wait_until(
        lambda: all(record.is_final for record in read_records(jobs)),
        WORK_TIMEOUT_SECONDS,
        "jobs done",
    )
    ended = read_records(jobs)
    if failed := [record for record in ended if record.status is not TaskStatus.SUCCESS]:
        raise RuntimeError(failed[0].error)
    starts = [record.started_at for record in ended if record.started_at]
    return max(record.updated_at for record in ended) - min(starts)


def read_records(jobs: list[JobResult]) -> list[TaskRecord]:
    """The records of the jobs."""
    return [record for job in jobs if (record := job.record)]

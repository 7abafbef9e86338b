"""Measure what one job costs its Valkey: ``python -m benchmarks.scaling --measure``.

The job takes the long way, with one call each to enqueue, fetch, start and succeed; the
acknowledgement goes with the next fetch. (The process of a very short job takes the next one by
itself, which costs less.) A cost is Valkey's CPU time and the growth of its append-only file.
"""

import json
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.support.machine import describe_machine, read_output
from project.local.demo import find_free_ports
from project.local.valkey import EmbeddedValkey
from project.store.client import Store
from project.store.commands import attempts, jobs, queries, workers
from tasks.reports import generate_report

RESULT_FILE = Path(__file__).parents[1] / "results" / "scaling.json"
JOB_COUNT = 10_000
WORKER = "worker"


def measure_costs() -> dict[str, Any]:
    """The costs of one job in microseconds and bytes, and the machine."""
    (port,) = find_free_ports(1)
    with (
        tempfile.TemporaryDirectory(prefix="continuo-scaling-") as folder,
        EmbeddedValkey(Path(folder), port) as valkey,
    ):
        store = Store(valkey.url)
        try:
            costs = costs_of(store)
        finally:
            store.close()
    return {
        "machine": describe_machine(),
        "commit": read_output("git", "rev-parse", "--short", "HEAD"),
    } | costs


def costs_of(store: Store) -> dict[str, float]:
    """The costs of one job on an otherwise idle server."""
    store.run(workers.renew_lease(WORKER, 3600, {"slots": 1}, first=True))
    ids = [f"{number:036}" for number in range(JOB_COUNT)]
    serials = count(1)
    written = read_file_bytes(store)
    costs = {
        "enqueue_us": measure_microseconds(store, ids, lambda job: enqueue_job(store, job)),
        "run_us": measure_microseconds(store, ids, lambda job: run_job(store, job, next(serials))),
        "read_us": measure_microseconds(
            store, ids, lambda job: store.run(queries.read_with_estimate(job))
        ),
    }
    return costs | {"file_bytes": (read_file_bytes(store) - written) / JOB_COUNT}


def enqueue_job(store: Store, job_id: str) -> None:
    """Enqueue one job."""
    message = generate_report.message(kwargs={"type": "summary", "filters": {}}, task_id=job_id)
    store.run(jobs.enqueue(message))


def run_job(store: Store, job_id: str, serial: int) -> None:
    """Send the commands of a worker for one job."""
    done = [str(serial - 1)]
    store.run(workers.fetch(WORKER, serial=serial, most=1, done=done, lists=["celery"]))
    token = f"{WORKER}#{serial}"
    store.run(attempts.start(job_id, retries=0, token=token))
    store.run(
        attempts.succeed(job_id, token=token, result='{"rows_processed": 1}', result_message="{}")
    )


def measure_microseconds(store: Store, ids: list[str], call: Callable[[str], object]) -> float:
    """Valkey's CPU time per call, in microseconds."""
    before = read_processor_seconds(store)
    for job_id in ids:
        call(job_id)
    return round((read_processor_seconds(store) - before) / len(ids) * 1e6, 1)


def read_processor_seconds(store: Store) -> float:
    """The CPU time of the server so far, user and system."""
    used = store.client.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def read_file_bytes(store: Store) -> int:
    """The size of the append-only file, which is too small to be rewritten here."""
    return int(store.client.info("persistence")["aof_current_size"])


def write_costs() -> None:
    """Measure the costs and write them."""
    RESULT_FILE.write_text(json.dumps(measure_costs(), indent=2) + "\n")

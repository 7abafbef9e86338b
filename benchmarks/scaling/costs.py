"""The measured costs of one job; times are in seconds."""

import json
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.stacks.registry import OURS

RESULTS = Path(__file__).parents[1] / "results"
WORKER_PROCESSES = 2
"""The number of worker processes in the measured runs."""

LONE_JOB_SECONDS = 0.00087
"""CPU time of a worker for a job that comes alone; from docs/performance.md."""


class Costs(NamedTuple):
    """The costs of one job or one request.

    ``post``, ``get``: CPU time of an API process. ``enqueue``, ``turn`` (from fetch to the end),
    ``read``: CPU time of Valkey. ``report``: CPU time of a worker process. ``record_bytes``: memory
    while the record is kept; ``file_bytes``: size in the append-only file until it is rewritten.
    """

    post: float
    get: float
    enqueue: float
    turn: float
    read: float
    report: float
    record_bytes: float
    file_bytes: float

    @property
    def store(self) -> float:
        """Valkey's time for a job whose record is read once."""
        return self.enqueue + self.turn + self.read

    @property
    def api(self) -> float:
        """An API process's time for a job whose record is read once."""
        return self.post + self.get


def read_costs() -> Costs:
    """Read the costs from the last full benchmark and the last ``--measure``."""
    bench = json.loads((RESULTS / "latest.json").read_text())
    store = json.loads((RESULTS / "scaling.json").read_text())
    rounds = [each[OURS.name] for each in bench["rounds"]]
    return Costs(
        post=1 / median(each["post_64_per_s"] for each in rounds),
        get=1 / median(each["get_64_per_s"] for each in rounds),
        enqueue=store["enqueue_us"] / 1e6,
        turn=store["run_us"] / 1e6,
        read=store["read_us"] / 1e6,
        report=WORKER_PROCESSES / bench["work"]["reports_per_s"],
        record_bytes=bench["growth"][-1]["bytes_per_record"],
        file_bytes=store["file_bytes"],
    )

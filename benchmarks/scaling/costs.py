"""What one job costs, as it was measured; all times in seconds."""

import json
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.stacks.registry import OURS

RESULTS = Path(__file__).parents[1] / "results"
WORKER_PROCESSES = 2
"""Worker processes of the runs behind the figures."""

LONE_JOB_SECONDS = 0.00087
"""Processor time of a worker for a job that is alone, the upper figure of docs/performance.md."""


class Costs(NamedTuple):
    """Of one job, or one request.

    ``post``, ``get``: of an API process. ``enqueue``, ``turn`` (from fetch to the end), ``read``:
    of Valkey. ``report``: of a worker process. ``record_bytes`` in memory while it is kept,
    ``file_bytes`` in the append-only file until that is rewritten.
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
        """Valkey's time for a job that is asked for once."""
        return self.enqueue + self.turn + self.read

    @property
    def api(self) -> float:
        """The time of an API process for the same."""
        return self.post + self.get


def read_costs() -> Costs:
    """From the last full benchmark and the last ``--measure``."""
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

"""The benchmark measures what it claims to measure."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks import reports
from benchmarks.comparison import report
from benchmarks.comparison.client import build_get, run_closed_loop, run_open_loop
from benchmarks.comparison.measures import find_percentile
from benchmarks.comparison.targets import MISSED, TARGETS, judge
from benchmarks.stacks.registry import CELERY, OURS, STACKS
from benchmarks.support.processes import MeasuredProgram, list_tree
from tasks.rendering.definitions import report_types
from tests.support.programs.processes import is_alive
from tests.support.waiting import wait_until

LATEST = Path(__file__).parents[3] / "benchmarks" / "results" / "latest.json"
STALL = 0.3
REQUEST = [build_get("/")]


class Handler(BaseHTTPRequestHandler):
    """Answers 204: the very first request late, and requests of /gone with 410."""

    protocol_version = "HTTP/1.1"
    stalled = threading.Event()

    def do_GET(self) -> None:
        if not self.stalled.is_set():
            self.stalled.set()
            threading.Event().wait(STALL)
        self.send_response(410 if self.path == "/gone" else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def server(*, stalls: bool = False) -> Iterator[int]:
    Handler.stalled = threading.Event()
    if not stalls:
        Handler.stalled.set()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_address[1]
        running.shutdown()


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(200, 0, -1)]

    assert find_percentile(values, 50) == 100
    assert find_percentile(values, 99) == 198
    assert find_percentile([3.0], 99) == 3


def test_a_stall_counts_for_every_request_that_it_delays() -> None:
    with server(stalls=True) as port:
        load = run_open_loop(port, REQUEST, connections=1, rate=100, seconds=0.5)

    assert len(load.latencies) == 50
    assert sum(latency > STALL / 2 for latency in load.latencies) >= 10


def test_a_failed_request_ends_the_run() -> None:
    with server() as port, pytest.raises(ConnectionError, match="410"):
        run_closed_loop(port, [build_get("/gone")], connections=2, seconds=5)


def test_a_program_is_killed_with_all_its_children(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import os, time; os.fork() or os.setsid(); time.sleep(60)"]
    program = MeasuredProgram(command, {}, tmp_path / "log")
    wait_until(lambda: len(list_tree(program.process.pid)) == 2)
    processes = list_tree(program.process.pid)

    program.kill()

    wait_until(lambda: not any(map(is_alive, processes)))


def test_a_missed_target_is_reported_as_missed() -> None:
    target = TARGETS[0]
    name = "post_64_per_s"
    rounds = [{OURS.name: {name: ours}, CELERY.name: {name: 100.0}} for ours in (590, 599, 900)]
    found = judge(target, {"rounds": rounds})

    assert not found.is_kept
    assert found.line().endswith(MISSED)
    assert (found.lowest, found.middle, found.highest) == (5.9, 5.99, 9.0)


def test_the_stored_results_have_every_figure_of_the_report() -> None:
    results = json.loads(LATEST.read_text())
    text = "\n".join(report.format_report(results))

    assert {stack.name for stack in STACKS} == set(results["rounds"][0])
    assert all(target.what in text for target in TARGETS)
    assert results["machine"]["cpu"]


def test_the_measured_report_has_500_lines() -> None:
    kind = report_types.load_types_in(reports.TYPES_FOLDER)[reports.REPORT_TYPE]
    assert kind.definition.limits.table_rows == 500

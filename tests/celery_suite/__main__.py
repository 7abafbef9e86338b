"""Run Celery's integration tests on stock Celery and on Continuo, and compare the outcomes.

``python -m tests.celery_suite [TEST...]``; TEST is a part of a test's name (pytest's ``-k``).
``SUITE_WORKERS="stock inside"`` runs it on these kinds of workers only (see ``plugin.py``).
Returns 1 when a test that stock Celery passes fails here and is no named deviation. Without a run
on stock Celery, the tests of ``STOCK_FAILURES`` are those that it does not pass.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from project.local.demo import find_free_ports
from project.local.valkey import EmbeddedValkey
from tests.celery_suite.deviations import DEVIATIONS, STOCK_FAILURES
from tests.celery_suite.source import ROOT, fetch_suite

type Outcomes = dict[str, str]

LEFT_OUT = (
    "test_backend.py",  # Azure
    "test_cache_backend.py",  # memcached
    "test_database_backend.py",  # SQLAlchemy
    "test_security.py",  # a serializer that signs
    "test_backend_leak_in_fixture_teardown.py",  # an app of its own
    "test_mem_leak_in_exception_handling.py",  # an app of its own
    "test_events_state_memory_leak.py",  # no worker
    "test_loader.py",  # no worker
    "test_logfile_format.py",  # no worker
)
"""Files that are about something else than jobs on Redis."""

LONG_TESTS = ("flag_allow_error_cb_on_chord_header", "nested_header_link_error")
"""Tests of several minutes, most of it waiting."""

WORKERS = tuple(os.environ.get("SUITE_WORKERS", "stock inside outside").split())
PASSED = frozenset({"passed", "xpassed"})
NOT_RUN = frozenset({"skipped", "xfailed"})
NODE = "outside@suite"
SUITE_TIMEOUT_SECONDS = 1_800.0
STOP_TIMEOUT_SECONDS = 30.0


def main(names: list[str]) -> int:
    """Run the suite with each kind of worker and print what differs."""
    suite = fetch_suite()
    found = {worker: run_suite(suite, worker, names) for worker in WORKERS}
    return print_comparison(found)


def run_suite(suite: Path, worker: str, names: list[str]) -> Outcomes:
    """The outcomes of the suite with one kind of worker, on a Valkey of its own."""
    with TemporaryDirectory(prefix="celery-suite-") as name:
        folder, (port,) = Path(name), find_free_ports(1)
        outcomes = folder / "outcomes.json"
        with EmbeddedValkey(folder / "valkey", port) as valkey:
            environment = os.environ | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": f"{ROOT}{os.pathsep}{suite}",
                "DATA_DIR": str(folder),
                "REDIS_URL": valkey.url,
                "REDIS_HOST": "127.0.0.1",
                "REDIS_PORT": str(port),
                "TEST_BROKER": valkey.url,
                "TEST_BACKEND": valkey.url,
                "SUITE_OUTCOMES": str(outcomes),
                "SUITE_WORKER": worker,
                "SUITE_NODE": NODE,
            }
            with run_worker(folder, environment) if worker == "outside" else nullcontext():
                subprocess.run(
                    build_pytest_command(suite, names),
                    cwd=suite,
                    env=environment,
                    check=False,
                    timeout=SUITE_TIMEOUT_SECONDS,
                )
        found: Outcomes = json.loads(outcomes.read_text())
        return found


def build_pytest_command(suite: Path, names: list[str]) -> list[str]:
    """The command that runs the suite, or the tests whose names contain one of ``names``."""
    wanted = " or ".join(names)
    long_tests = " or ".join(LONG_TESTS)
    chosen = f"({wanted}) and not ({long_tests})" if wanted else f"not ({long_tests})"
    return [
        *(
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.celery_suite.plugin",
            "-q",
            "--tb=short",
            "--durations=12",
        ),
        *("-c", str(suite / "pyproject.toml"), "--rootdir", str(suite), "-p", "no:cacheprovider"),
        *(f"--ignore=t/integration/{name}" for name in LEFT_OUT),
        *("-k", chosen, "t/integration"),
    ]


@contextmanager
def run_worker(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """``celery -A project worker`` with the tasks of the suite and one process, as in the suite."""
    options = ["--concurrency=1", "--loglevel=WARNING", f"--hostname={NODE}"]
    options += ["-I", "tests.celery_suite.suite_tasks"]
    command = [sys.executable, "-m", "celery", "-A", "project", "worker", *options]
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(STOP_TIMEOUT_SECONDS)


def print_comparison(found: dict[str, Outcomes]) -> int:
    """Print how many tests passed, and those that only stock Celery passes."""
    status = 0
    for worker, outcomes in found.items():
        print(f"{worker:<8} {len(list_passed(outcomes))} of {len(outcomes)} passed")
    stock = found.pop("stock", None)
    for worker, outcomes in found.items():
        expected = list_passed(stock) if stock else list_expected(outcomes)
        for test in sorted(expected - list_passed(outcomes)):
            reason = DEVIATIONS.get(name_of(test))
            print(f"{worker:<8} {test}: {reason or 'NOT EXPECTED'}")
            status |= reason is None
    return int(status)


def list_expected(outcomes: Outcomes) -> set[str]:
    """The tests that ran and that stock Celery passes."""
    ran = {test for test, outcome in outcomes.items() if outcome not in NOT_RUN}
    return {test for test in ran if name_of(test) not in STOCK_FAILURES}


def name_of(test: str) -> str:
    """The name of a test without its file, class and parameters."""
    return test.rpartition("::")[2].partition("[")[0]


def list_passed(outcomes: Outcomes) -> set[str]:
    """The tests that passed."""
    return {test for test, outcome in outcomes.items() if outcome in PASSED}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

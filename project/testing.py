"""A pytest plugin for tests of your own kinds: ``pytest -p project.testing``.

The run gets a Valkey of its own in a temporary folder. The fixture ``jobs`` (``JobTester``) starts
with an empty one, and starts a real worker when a test needs it::

    def test_an_invoice_is_written(jobs):
        record = jobs.run_now(make_invoice.delay(customer="ACME"))

        assert record.result == {"total": 20.9}
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from project.local.demo import find_free_ports
from project.settings.environment import set_variables

FOLDER = Path(tempfile.mkdtemp(prefix="continuo-testing-"))
(VALKEY_PORT,) = find_free_ports(1)

# The kinds read the settings when they are imported, which is after this module.
URL = f"redis://127.0.0.1:{VALKEY_PORT}/0"
set_variables(
    {
        "DATA_DIR": str(FOLDER),
        "REDIS_URL": URL,
        "BROKER_URL": "",
    }
)

WAIT_SECONDS = 30.0
POLL_SECONDS = 0.02
WORKER = ("-m", "celery", "-A", "project", "worker", "--concurrency=1", "--loglevel=WARNING")


class JobTester:
    """Runs the jobs of a test, and looks at them. A wait that takes 30 s fails the test."""

    def __init__(self, app: Any, log: Path) -> None:
        self.app = app
        self.log = log
        self.worker: subprocess.Popen[bytes] | None = None

    def run_now(self, job: Any) -> Any:
        """Run the job to its end in a worker; returns its record.

        Retries and sleeps do not wait. A job that waits for a signal gets it from the test.
        """
        self.start_worker()
        self.wait_until(lambda: self.is_final(job), f"job {job.id} did not end")
        return job.record

    def hurry(self, job: Any) -> None:
        """Make a job due that waits for its time: a delay, an ETA, a retry or a sleep.

        The time of a wait for a signal is over.
        """
        from project.store.commands import maintenance

        wait = job.record and job.record.wait
        if wait:
            over = msgspec.structs.replace(wait, ends_at=wait.started_at)
            self.app.store.client.hset(f"continuo:job:{job.id}", "wait", msgspec.json.encode(over))
        self.app.store.client.zadd("continuo:scheduled", {job.id: 1}, xx=True)
        self.app.store.run(maintenance.promote(100))

    def assert_enqueued(self, kind: str, **payload: Any) -> Any:
        """The record of a job of the kind that was called with these arguments by name.

        Fails when there is none. Arguments that are left out may have any value.
        """
        calls = list(self.list_calls(kind))
        for record, kwargs in calls:
            if payload.items() <= kwargs.items():
                return record
        found = "; ".join(str(kwargs) for _, kwargs in calls) or "none"
        return pytest.fail(f"no job {kind} with {payload} was enqueued, but {found}")

    def list_calls(self, kind: str) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The records of a kind, newest first, with their arguments by name."""
        from project.store.commands import queries
        from project.store.commands.queries import RecordFilter

        page = self.app.store.run(queries.list_page(RecordFilter(kinds=[kind]), limit=100))
        for record in page.records:
            _, kwargs = self.app.store.run(queries.read_payload(record.id))
            yield record, kwargs

    def start_worker(self) -> None:
        """Start a worker unless it runs, and wait until it takes jobs."""
        from project.store.commands import workers

        if self.worker is not None:
            return
        with self.log.open("ab") as log:
            command = [sys.executable, *WORKER]
            self.worker = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 - ours
        self.wait_until(
            lambda: bool(self.app.store.run(workers.list_leases())), "the worker did not start"
        )

    def stop(self) -> None:
        """Kill the worker."""
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait(WAIT_SECONDS)

    def is_final(self, job: Any) -> bool:
        """Whether the job has ended. Makes it due if it waits for its time, not for a signal."""
        record = job.record
        if not (record and record.wait and record.wait.kind == "signal"):
            self.hurry(job)
        return bool(record and record.is_final)

    def wait_until(self, is_so: Callable[[], bool], problem: str) -> None:
        """Wait until something is so."""
        end = time.monotonic() + WAIT_SECONDS
        while not is_so():
            if time.monotonic() > end:
                pytest.fail(f"{problem} within {WAIT_SECONDS:g} s; the worker said:\n{self.said}")
            time.sleep(POLL_SECONDS)

    @property
    def said(self) -> str:
        """The last lines of the worker's log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-20:])


@pytest.fixture(scope="session")
def jobs_valkey() -> Iterator[None]:
    """The Valkey of the run."""
    from project.local.valkey import EmbeddedValkey

    with EmbeddedValkey(FOLDER / "valkey", VALKEY_PORT):
        yield


@pytest.fixture
def jobs(jobs_valkey: None, tmp_path: Path) -> Iterator[JobTester]:  # noqa: ARG001 - it runs
    """Runs and shows jobs; each test begins without any."""
    from project.celery import app

    if app.store_url != URL:  # it read the settings before this module: that Redis has real jobs
        pytest.fail("load the plugin first, with -p project.testing: the app uses another Redis")
    app.loader.import_default_modules()
    app.store.client.flushall()
    tester = JobTester(app, tmp_path / "worker.log")
    yield tester
    tester.stop()

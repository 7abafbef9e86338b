"""The pytest plugin for users, in a run of its own on kinds of their own."""

import os
import subprocess
import sys
from pathlib import Path

from project.settings.values import get_settings
from project.store.client import Store
from tests.support.programs.processes import ROOT
from tests.support.waiting import PATIENCE

PACKAGES = ROOT / "tests" / "support" / "packages"

TESTS = """
import pytest

from acme.billing.jobs import book, lie, make_invoice

ORDER = {"customer": "ACME", "lines": [{"text": "work", "amount": 2}]}


def test_a_job_runs_in_a_worker(jobs):
    record = jobs.run_now(make_invoice.delay(ORDER))

    assert record.result["total"] == 2


def test_a_delayed_job_does_not_wait(jobs):
    job = make_invoice.apply_async((ORDER,), countdown=3600)

    assert jobs.run_now(job).status == "success"


def test_a_result_of_another_type_fails_the_job(jobs):
    record = jobs.run_now(lie.delay(1))

    assert record.status == "failed"
    assert "result: must be an integer, not a text" in record.error


def test_each_test_begins_without_jobs(jobs):
    assert list(jobs.list_calls("invoice")) == []


def test_enqueued_jobs_are_found_by_their_arguments(jobs):
    make_invoice.delay(ORDER)

    record = jobs.assert_enqueued("invoice", order=ORDER)

    assert record.status == "pending"
    with pytest.raises(pytest.fail.Exception, match="no job invoice with .*5.* was enqueued"):
        jobs.assert_enqueued("invoice", order=5)
"""


WAITS = """
from tests.support.apps.steps import approved, sleepy


def test_a_sleep_ends_at_once(jobs):
    assert jobs.run_now(sleepy.delay(seconds=86_400)).result == "rested"


def test_a_wait_ends_with_the_signal_of_the_test(jobs):
    job = approved.delay()
    job.signal("approval", {"approved": True, "by": "me"})

    assert jobs.run_now(job).result == "Approval True me"


def test_the_time_of_a_wait_is_over_when_the_test_says_so(jobs):
    job = approved.delay(default="nobody")
    jobs.start_worker()
    jobs.wait_until(lambda: job.record.status == "waiting", "it does not wait")

    jobs.hurry(job)

    assert jobs.run_now(job).result == "nobody"
"""


def run_pytest(folder: Path, *options: str, **environment: str) -> str:
    """The output of pytest on the tests in a folder."""
    variables = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{PACKAGES}",
        "CONTINUO_TASKS": "acme.billing",
        "PYTEST_ADDOPTS": "",
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *(*options, "--rootdir", str(folder), str(folder)),
        ],
        env=os.environ | variables | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100 * PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr


def test_users_test_their_kinds_with_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(TESTS)

    assert "5 passed" in run_pytest(tmp_path, "-p", "project.testing")


def test_the_plugin_ends_sleeps_and_leaves_signals_to_the_test(tmp_path: Path) -> None:
    (tmp_path / "test_waits.py").write_text(WAITS)

    said = run_pytest(tmp_path, "-p", "project.testing", CONTINUO_TASKS="tests.support.apps.steps")

    assert "3 passed" in said


def test_the_plugin_empties_no_redis_but_its_own(tmp_path: Path, store: Store) -> None:
    store.client.set("real", "data")
    (tmp_path / "conftest.py").write_text(
        "from project.celery import app\nfrom project.testing import jobs, jobs_valkey\n"
    )
    (tmp_path / "test_mine.py").write_text("def test_it(jobs):\n    pass\n")

    said = run_pytest(tmp_path, REDIS_URL=get_settings().store_url)

    assert "load the plugin first" in said
    assert store.client.get("real") == b"data"

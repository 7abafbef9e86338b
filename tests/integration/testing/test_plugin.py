"""The pytest plugin for users, in a run of its own on kinds of their own."""

import os
import subprocess
import sys
from pathlib import Path

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


def test_users_test_their_kinds_with_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(TESTS)
    variables = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{PACKAGES}",
        "CONTINUO_TASKS": "acme.billing",
        "PYTEST_ADDOPTS": "",
    }

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "project.testing"),
            *("-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)),
        ],
        env=os.environ | variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100 * PATIENCE,
        check=False,
    )

    assert "5 passed" in done.stdout, done.stdout + done.stderr

"""The quick form of the chaos suite: its promises as tests."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.chaos.judge.row_result import RowResult
from tests.chaos.rows.registry import HOST_ROW, QUICK_ROWS
from tests.chaos.stage import hosts
from tests.support.programs.processes import ROOT
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

TIMEOUT_SECONDS = 240.0 * PATIENCE


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Run the quick form once; the figures by row."""
    file = tmp_path_factory.mktemp("chaos") / "figures.json"
    rows = [row for row in QUICK_ROWS if row != HOST_ROW or hosts.can_build_hosts()]
    command = [sys.executable, "-m", "tests.chaos", "--quick", f"--json={file}", *rows]
    run = subprocess.run(
        command, cwd=ROOT, timeout=TIMEOUT_SECONDS, capture_output=True, text=True, check=False
    )
    assert file.exists(), run.stdout + run.stderr
    return {row["row"]: row for row in json.loads(file.read_text())["rows"]}


@pytest.fixture(params=QUICK_ROWS)
def row(request: pytest.FixtureRequest, figures: dict[str, dict[str, Any]]) -> RowResult:
    """The result of one row."""
    if request.param not in figures:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("hosts need root and iproute2")
    figure = figures[request.param]
    figure.pop("broken", None)
    return RowResult(**figure)


def test_every_promise_is_kept(row: RowResult) -> None:
    assert row.find_broken_promises() == [], row.notes


def test_jobs_are_sent_and_have_their_effect(row: RowResult) -> None:
    """Without jobs a row would keep every promise."""
    assert row.enqueued > 0
    assert row.finished is not None
    assert row.finished >= 0.9 * row.enqueued


@pytest.mark.parametrize("name", ["kill-mains", "kill-children"])
def test_processes_are_killed_while_they_run_jobs(
    name: str, figures: dict[str, dict[str, Any]]
) -> None:
    assert figures[name]["killed"] >= 3


@pytest.mark.parametrize("name", ["kill-valkey", "restarts"])
def test_each_return_of_the_broker_measures_how_fast_workers_resume(
    name: str, figures: dict[str, dict[str, Any]]
) -> None:
    assert len(figures[name]["notes"]["resumes"]) >= 3
    assert figures[name]["resume"] > 0


def test_another_worker_runs_the_job_of_a_stopped_worker(
    figures: dict[str, dict[str, Any]],
) -> None:
    history = figures["pause"]["notes"]["history"]
    assert history == ["pending", "running", "pending", "running", "success"]

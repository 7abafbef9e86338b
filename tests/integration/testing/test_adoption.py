"""The tasks of a Celery app of the user's become jobs, once, with the settings of the app."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.programs.processes import ROOT
from tests.support.waiting import PATIENCE

PACKAGES = ROOT / "tests" / "support" / "packages"
ELSEWHERE = "redis://localhost:1/3"

AGAIN = """
from celery.exceptions import NotRegistered
from project.celery import app

app.amqp.router  # built before the tasks are known
for _ in range(3):
    try:
        app.kind("unknown")
    except NotRegistered:
        pass
print(len(app.conf.task_routes), app.kind("acme.old.slow").message(("x",)).queue)
"""

FACTS = """
import json
from project.celery import app
app.timezone  # asked for before the other app is known
app.kind("acme.old.add")

from acme import celery, old
from celery import current_app

names = ("add", "slow", "fetch", "double", "tidy")
tasks = {name: app.tasks["acme.old." + name] for name in names}
kinds = tasks | {"report": app.tasks["report"], "retry_jobs": app.tasks["retry_jobs"]}
print(json.dumps({
    "objects": [task.app is app and getattr(old, name) == task for name, task in tasks.items()],
    "acks_late": {name: task.acks_late for name, task in tasks.items()},
    "reject_on_worker_lost": [task.reject_on_worker_lost for task in tasks.values()],
    "ignore_result": {name: task.ignore_result for name, task in tasks.items()},
    "rate_limit": tasks["add"].rate_limit,
    "limits": {name: [task.soft_time_limit, task.time_limit] for name, task in kinds.items()},
    "queues": {name: app.amqp.router.route({}, task.name)["queue"].name
               for name, task in kinds.items()},
    "timezone": str(app.timezone),
    "current_app": current_app.main,
    "backends": [type(each.backend).__name__ for each in (app, celery.app)],
    "broker": app.conf.broker_read_url,
}))
"""


def run_script(script: str, *folders: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(folder) for folder in (ROOT, PACKAGES, *folders))
    given = {"PYTHONPATH": path, "CONTINUO_APP": "acme.celery:app"}
    return subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | given | variables,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """What a process knows that has taken over the app, with the variables of a Celery program."""
    done = run_script(
        FACTS,
        CELERY_BROKER_URL=ELSEWHERE,
        CELERY_BROKER_READ_URL=ELSEWHERE,
        CELERY_RESULT_BACKEND=ELSEWHERE,
        CELERY_LOADER="default",
        CELERY_CONFIG_MODULE="acme.old",
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_modules_that_are_imported_again_are_adopted_once() -> None:
    done = run_script(AGAIN)

    assert (done.stdout, done.returncode) == ("3 slow\n", 0), done.stderr


def test_what_code_calls_are_the_jobs_themselves(facts: dict[str, Any]) -> None:
    assert facts["objects"] == [True] * 5


def test_late_acks_hold_for_tasks_that_do_not_refuse_them(facts: dict[str, Any]) -> None:
    late = {"add": True, "double": True, "slow": False, "fetch": False, "tidy": True}

    assert facts["acks_late"] == late
    assert facts["reject_on_worker_lost"] == [True] * 5


def test_time_limits_and_annotations_of_the_app_hold_for_its_tasks_alone(
    facts: dict[str, Any],
) -> None:
    limits = facts["limits"]

    assert limits["add"] == limits["slow"] == limits["double"] == [60, 300]
    assert limits["fetch"] == [60, 70]
    assert limits["retry_jobs"] == [None, None]
    assert facts["rate_limit"] == "1000/s"


def test_tasks_that_are_classes_keep_their_options(facts: dict[str, Any]) -> None:
    assert [name for name, ignores in facts["ignore_result"].items() if ignores] == ["tidy"]


def test_routes_and_the_default_queue_of_the_app_hold_for_its_tasks_alone(
    facts: dict[str, Any],
) -> None:
    queues = {"add": "acme", "slow": "slow", "fetch": "few", "double": "acme", "tidy": "acme"}

    assert facts["queues"] == queues | {"report": "celery", "retry_jobs": "celery"}


def test_schedules_are_read_in_the_time_zone_of_the_app(facts: dict[str, Any]) -> None:
    assert facts["timezone"] == "Asia/Kolkata"


def test_both_apps_keep_results_in_records_whatever_celerys_variables_say(
    facts: dict[str, Any],
) -> None:
    assert facts["backends"] == ["RecordBackend", "RecordBackend"]
    assert facts["current_app"] == "continuo"
    assert facts["broker"] != ELSEWHERE


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("project.work:app", "there is no module project.work; project is a package of Continuo's"),
        ("tasks:app", "tasks has no Celery app app; tasks is a package of Continuo's"),
        ("acme.nothing:app", "there is no module acme.nothing\n"),
    ],
    ids=str,
)
def test_a_package_with_a_name_of_ours_is_named(name: str, words: str) -> None:
    done = run_script(FACTS, CONTINUO_APP=name)

    assert done.returncode != 0
    assert words in done.stderr


def test_a_task_with_the_name_of_a_kind_is_refused(tmp_path: Path) -> None:
    lines = ["from celery import Celery", "app = Celery()", "@app.task(name='report')"]
    (tmp_path / "clash.py").write_text("\n".join([*lines, "def report(): ...", "app.tasks"]))

    done = run_script(FACTS, tmp_path, CONTINUO_APP="clash:app")

    assert "CONTINUO_APP: the task report of clash has the name of a kind of tasks.reports" in (
        done.stderr
    )

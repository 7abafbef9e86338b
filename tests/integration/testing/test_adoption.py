"""The tasks of a Celery app of the user's become jobs, once."""

import os
import subprocess
import sys

from tests.support.programs.processes import ROOT
from tests.support.waiting import PATIENCE

PACKAGES = ROOT / "tests" / "support" / "packages"

SCRIPT = """
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


def test_modules_that_are_imported_again_are_adopted_once() -> None:
    variables = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{PACKAGES}",
        "CONTINUO_APP": "acme.celery:app",
    }

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("1 slow\n", 0), done.stderr

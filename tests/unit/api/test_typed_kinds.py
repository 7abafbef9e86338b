"""A kind that cannot be offered as it is declared keeps the API from starting, in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.app import build
from api.http.shutdown import Drain
from api.jobs.typed_kinds import OTHER_PATHS
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT
from tests.support.waiting import PATIENCE

MODULE = """
from project.celery import app


@app.task(name="kind", http="{path}")
def kind({parameters}) -> int:
    return 1
"""


@pytest.mark.parametrize(
    ("path", "parameters", "problem"),
    [
        ("/reports", "x: int", "kind kind: the path /reports is taken"),
        ("/tasks/mine", "x: int", "kind kind: the path /tasks/mine is taken"),
        ("kinds of mine", "x: int", "kind kind: 'kinds of mine' is not a path such as /invoices"),
        ("/mine", "x", "kind: parameter x has no type"),
        ("/mine", "tags: int", "kind kind: tags is a field of every order; choose another name"),
    ],
)
def test_the_api_says_what_is_wrong_with_a_kind(
    tmp_path: Path, path: str, parameters: str, problem: str
) -> None:
    (tmp_path / "mine.py").write_text(MODULE.format(path=path, parameters=parameters))
    variables = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}",
        "CONTINUO_TASKS": "mine",
        "PORT": str(find_free_port()),
    }

    done = subprocess.run(
        [sys.executable, "-m", "api"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (2, f"api: {problem}\n")


def test_no_kind_can_take_a_path_of_the_platform() -> None:
    routes, _ = build(Drain())

    first = {f"/{route.template.split('/')[1]}" for route in routes.routes}

    assert first - {"/"} <= OTHER_PATHS

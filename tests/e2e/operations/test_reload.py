"""``make up RELOAD=1``: changed code runs without a new start by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents.guides import GuideRunner
from tests.support.waiting import wait_until

MODULE = """
from project.celery import app

@app.task(name="greet")
def greet(name):
    return "{word} " + name
"""
CALL = """
.venv/bin/python -c 'from tasks.greet import greet; print(greet.delay("you").get(timeout=60))'
"""


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[GuideRunner]:
    """A copy of the checkout that runs and reloads."""
    reader = GuideRunner(tmp_path / "continuo")
    reader.system.start("--reload")
    yield reader
    reader.close()


def test_new_and_changed_jobs_run_and_broken_code_does_not_stop_the_old(
    reader: GuideRunner,
) -> None:
    assert reader.system.program
    module, program = reader.folder / "tasks" / "greet.py", reader.system.program
    said = []

    for times, word in enumerate(("hello", "goodbye"), start=1):
        module.write_text(MODULE.format(word=word))
        started = "tasks/greet.py changed: beat, web, worker start anew"
        wait_until(lambda: program.output.count(started) == times, 20)  # noqa: B023
        wait_until(reader.system.is_ready, 60)
        said.append(reader.run(CALL))
    broken = module.read_text()
    module.write_text("def (")
    program.wait_for_output("not reloaded: ")
    module.write_text(broken)

    assert said == ["hello you\n", "goodbye you\n"]
    assert "tasks/greet.py, line 1: " in program.output

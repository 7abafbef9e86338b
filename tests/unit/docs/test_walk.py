"""The walk through the code: every step names a function that exists in the file that it names."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.documents.markdown import ROOT, read_section

PAGE = ROOT / "docs" / "explanation" / "walk.md"
ROW = re.compile(
    r"^\| (?P<number>\d+) \| `(?P<name>[\w.]+)` \| `(?P<file>[\w./]+)` \| (?P<text>.+) \|$"
)
MAX_FILES = {"POST": 11, "A worker": 7, "GET": 7}
"""Sections, and how many files each may cross."""


class Step(NamedTuple):
    """One row of the walk."""

    number: int
    name: str
    file: str


def read_steps(title: str) -> list[Step]:
    """The steps of one section, in order."""
    rows = map(ROW.match, read_section(title, PAGE).splitlines())
    return [Step(int(row["number"]), row["name"], row["file"]) for row in rows if row]


def find_names(file: Path) -> set[str]:
    """The functions, classes and methods of a file; the script's own name for Lua."""
    if file.suffix == ".lua":
        return {file.stem}
    names: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            functions = (ast.FunctionDef, ast.AsyncFunctionDef)
            names |= {
                f"{node.name}.{part.name}" for part in node.body if isinstance(part, functions)
            }
    return names


@pytest.mark.parametrize("title", MAX_FILES)
def test_every_table_row_of_the_walk_is_a_step(title: str) -> None:
    rows = [line for line in read_section(title, PAGE).splitlines() if line.startswith("| ")]

    steps = read_steps(title)

    assert [step.number for step in steps] == list(range(1, len(rows)))


@pytest.mark.parametrize("title", MAX_FILES)
def test_every_function_of_the_walk_exists(title: str) -> None:
    steps = read_steps(title)

    missing = [step for step in steps if step.name not in find_names(ROOT / step.file)]

    assert missing == []


@pytest.mark.parametrize("title", MAX_FILES)
def test_the_walk_enters_each_file_once(title: str) -> None:
    files = [step.file for step in read_steps(title)]

    entered = [file for place, file in enumerate(files) if place == 0 or files[place - 1] != file]

    assert len(entered) == len(set(entered))
    assert len(entered) <= MAX_FILES[title]


def test_a_step_that_does_not_exist_is_noticed() -> None:
    names = find_names(ROOT / "project" / "job" / "task.py")

    assert "Job.before_start" in names
    assert "Job.no_such_method" not in names

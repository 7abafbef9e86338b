"""The tables of old and new names in the changelog: the new names exist."""

import importlib
import importlib.util
import re

import pytest

from project.version import read_version
from tests.support.documents.markdown import ROOT

PAGE = (ROOT / "CHANGELOG.md").read_text()
NEW_CELLS = re.findall(r"^  \| `[^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)
NAMES = sorted(
    set(re.findall(r"`((?:project|api|tasks)(?:\.\w+)+)(?:\(\))?`", " ".join(NEW_CELLS)))
)
COMMANDS = re.findall(r"python -m ([\w.]+)`", " ".join(NEW_CELLS))


def exists(name: str) -> bool:
    """Whether a module, or a name inside a module, exists."""
    module, _, attribute = name.rpartition(".")
    if hasattr(importlib.import_module(module), attribute):
        return True
    return importlib.util.find_spec(name) is not None


def test_the_newest_release_is_the_version_of_the_project() -> None:
    first, newest, *_ = re.findall(r"(?m)^## (.+)$", PAGE)

    assert first == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(read_version())}\] - \d{{4}}-\d\d-\d\d", newest)


def test_the_tables_have_names_and_commands() -> None:
    assert len(NAMES) >= 10
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("name", NAMES)
def test_a_new_name_exists(name: str) -> None:
    assert exists(name)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_new_command_is_a_module(command: str) -> None:
    assert importlib.util.find_spec(command) is not None


def test_the_new_import_of_enqueue_many_works() -> None:
    (line,) = re.findall(r"`from (\S+) import enqueue_many`", " ".join(NEW_CELLS))

    assert hasattr(importlib.import_module(line), "enqueue_many")

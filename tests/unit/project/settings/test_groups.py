"""Groups of settings: read once, checked at the start, and the only reader of the environment."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from project.celery import app
from project.settings.checks import check_settings
from project.settings.groups import (
    SettingsGroup,
    forget_settings,
    list_groups,
    list_variables,
    read_settings,
    split_list,
)
from project.settings.values import Settings, get_settings
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[4]
PACKAGES = ("project", "tasks", "api")
WRONG = {"CONTINUO_FAULT_RATE": "2"}


class SampleSettings(SettingsGroup):
    """A group of a kind that only these tests know."""

    sample_rows: int = Field(5, ge=1, validation_alias="CONTINUO_SAMPLE_ROWS")
    sample_name: str = "none"


@pytest.fixture(autouse=True)
def _settings_are_read_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    forget_settings()
    yield
    monkeypatch.undo()
    forget_settings()


def test_a_group_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_settings(SampleSettings)
    monkeypatch.setenv("CONTINUO_SAMPLE_ROWS", "7")

    assert read_settings(SampleSettings) is first
    assert get_settings() is read_settings(Settings)

    forget_settings()

    assert read_settings(SampleSettings).sample_rows == 7


def test_the_variables_of_a_group_are_its_aliases_or_its_names_in_capitals() -> None:
    assert list(list_variables(SampleSettings)) == ["CONTINUO_SAMPLE_ROWS", "SAMPLE_NAME"]
    assert {Settings, SampleSettings} <= set(list_groups())


def test_a_wrong_value_of_any_group_is_found_when_all_are_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONTINUO_SAMPLE_ROWS", "0")

    with pytest.raises(ValidationError, match="CONTINUO_SAMPLE_ROWS"):
        check_settings()

    with pytest.raises(ValidationError, match="CONTINUO_SAMPLE_ROWS"):
        app.loader.import_default_modules()


def test_the_error_does_not_repeat_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTINUO_SAMPLE_ROWS", "hunter2")

    with pytest.raises(ValidationError) as refused:
        check_settings()

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "parts"), [("", []), ("one", ["one"]), (" one , two,, ", ["one", "two"])]
)
def test_a_list_is_split_at_its_commas(text: str, parts: list[str]) -> None:
    assert split_list(text) == parts


LIST_GROUPS = """
from project.celery import app
from project.settings.groups import list_groups
app.loader.import_default_modules()
print(*{group.__module__ for group in list_groups()})
"""


def test_importing_a_kind_declares_its_settings() -> None:
    declared = {f"tasks.{path.parent.name}.settings" for path in ROOT.glob("tasks/*/settings.py")}

    seen = subprocess.run(
        [sys.executable, "-c", LIST_GROUPS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100 * PATIENCE,
        check=True,
    ).stdout.split()

    assert declared <= set(seen)


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "celery", "-A", "project", "worker"],
        ["-m", "celery", "-A", "project", "beat"],
        ["-m", "api"],
    ],
    ids=["worker", "beat", "api"],
)
def test_a_wrong_value_stops_a_process_at_its_start_and_names_the_variable(
    command: list[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | WRONG | {"DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=100 * PATIENCE,
        check=False,
    )

    assert done.returncode != 0
    assert set(WRONG) <= set(done.stderr.replace(":", " ").split())


def test_importing_the_app_leaves_the_data_folder_alone(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", "import project.celery"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(tmp_path / "data")},
        timeout=100 * PATIENCE,
        check=True,
    )

    assert not (tmp_path / "data").exists()


def test_only_the_settings_read_the_environment() -> None:
    sources = [path for package in PACKAGES for path in ROOT.joinpath(package).rglob("*.py")]

    readers = {path.relative_to(ROOT).parent for path in sources if reads_environment(path)}

    assert readers == {Path("project/settings")}


def reads_environment(path: Path) -> bool:
    """Whether a module reads ``os.environ``; to set a variable of a library is not to read."""
    tree = ast.parse(path.read_text())
    set_only = {
        target.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Subscript)
    }
    return any(
        (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"})
        or (isinstance(node, ast.alias) and node.name in {"environ", "environb", "getenv"})
        for node in ast.walk(tree)
        if node not in set_only
    )

"""What the README lists is what there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from api.app import build
from api.drain import Drain
from project.settings import Settings
from tests.readme import README, ROOT, code, rows, section

PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
PATH = re.compile(r"`((?:project|tasks|api|tests|bin|docs)/[\w./-]*)`")
MADE_BY_THE_READER = {
    "tasks/checksums.py",
    "tasks/sums.py",
    "tasks/nightly.py",
    "api/sums.py",
    "tests/unit/tasks/test_sums.py",
    "tests/integration/test_late_sums.py",
}


def test_the_configuration_table_is_the_settings() -> None:
    told = [line for line in section("Configuration").splitlines() if line.startswith("| `")]

    assert told == [setting(name, field) for name, field in Settings.model_fields.items()]


def test_the_table_of_routes_is_the_routes() -> None:
    told = [cells[0] for cells in rows("The HTTP API at a glance")]
    router, _ = build(Drain())
    described = [
        f"`{route.method} {route.template}`" for route in router.routes if not route.hidden
    ]

    assert sorted(told) == sorted([*described, "`GET /openapi.json`", "`GET /docs`"])


def test_the_compose_variables_are_those_of_the_file() -> None:
    told = set(re.findall(r"`([A-Z_]+)`", " ".join(cells[0] for cells in rows("Deployment"))))
    exported = set(re.findall(r"([A-Z_]+)=me:", section("Deployment")))
    known = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    assert told | exported == known


def test_the_first_commands_are_targets_of_make() -> None:
    (commands,) = code("Run it", "sh")
    targets = re.findall(r"^make (\w+)", commands, re.MULTILINE)

    assert targets == ["up", "test", "demo"]
    assert set(targets) <= set(
        re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_path_that_is_named_is_there(page: Path) -> None:
    named = set(PATH.findall(page.read_text())) - MADE_BY_THE_READER

    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_report_types_and_templates_are_all_named() -> None:
    table = section("The HTTP API at a glance")
    folders = [ROOT / "tasks/press/types", ROOT / "tasks/emails/templates"]

    assert [name for name in names_in(folders) if f"`{name}`" not in table] == []


def names_in(folders: list[Path]) -> Iterator[str]:
    """The names of the folders inside these folders."""
    for folder in folders:
        yield from (entry.name for entry in sorted(folder.iterdir()) if entry.is_dir())


def setting(name: str, field: FieldInfo) -> str:
    """The row of the table for one setting; copy it from a failing test."""
    variable = field.validation_alias or name.upper()
    default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
    shown = f"`{default}` " if default else ""
    return f"| `{variable}` | {shown}| {field.description} |"

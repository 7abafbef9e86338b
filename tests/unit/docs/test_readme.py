"""The lists in the README are up to date."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from api.app import build
from api.http.shutdown import Drain
from tests.support.documents.markdown import README, ROOT, read_code_blocks, read_section
from tests.support.settings import list_all_variables

PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PATH = re.compile(r"`((?:project|tasks|api|tests|bin|docs)/[\w./-]*)`")
MAX_LINES = 200
MADE_BY_THE_READER = {
    "tasks/checksums.py",
    "tasks/statements.py",
    "tasks/nightly.py",
}


def test_the_settings_in_the_readme_are_up_to_date() -> None:
    told = [line for line in read_section("Configuration").splitlines() if line.startswith("| `")]
    known = [setting(name, field) for name, field in list_all_variables().items()]

    assert told
    assert [line for line in told if line not in known] == []


def test_the_routes_in_the_readme_exist() -> None:
    router, _ = build(Drain())
    known = {f"{route.method} {route.template}" for route in router.routes}
    told = re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`\s]*)`", README.read_text())

    assert told
    assert [route for route in told if route not in known] == []


def test_the_readme_is_at_most_200_lines() -> None:
    assert len(README.read_text().splitlines()) <= MAX_LINES


def test_the_first_commands_are_targets_of_make() -> None:
    (commands,) = read_code_blocks("Run it", "sh")
    targets = re.findall(r"^make (\w+)", commands, re.MULTILINE)

    assert targets == ["up", "test", "demo"]
    assert set(targets) <= set(
        re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_in_the_readme_exists(page: Path) -> None:
    named = set(PATH.findall(page.read_text())) - MADE_BY_THE_READER

    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("guide", "folder"),
    [
        ("reports.md", "tasks/rendering/definitions/types"),
        ("email-blasts.md", "tasks/emails/templates"),
    ],
)
def test_the_shipped_types_and_templates_are_named_in_their_guides(guide: str, folder: str) -> None:
    told = (ROOT / "docs" / "how-to" / guide).read_text()

    assert [name for name in names_in([ROOT / folder]) if f"`{name}`" not in told] == []


def names_in(folders: list[Path]) -> Iterator[str]:
    """The names of the folders inside these folders."""
    for folder in folders:
        yield from (entry.name for entry in sorted(folder.iterdir()) if entry.is_dir())


def setting(variable: str, field: FieldInfo) -> str:
    """The table row of one setting; copy it from a failing test."""
    default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
    shown = f"`{default}` " if default else ""
    return f"| `{variable}` | {shown}| {field.description} |"

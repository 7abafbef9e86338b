"""The distributions of the clients: their version, their licence, and what they import."""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
from continuo_client import __version__

from project.version import read_version
from tests.support.programs.processes import ROOT

PYTHON = ROOT / "clients" / "python"
TYPESCRIPT = ROOT / "clients" / "typescript"
MODULES = sorted((PYTHON / "src").rglob("*.py"))


def test_the_version_is_that_of_the_platform() -> None:
    project = tomllib.loads((PYTHON / "pyproject.toml").read_text())["project"]
    package = json.loads((TYPESCRIPT / "package.json").read_text())
    locked = json.loads((TYPESCRIPT / "package-lock.json").read_text())
    (said,) = re.findall(r'VERSION = "(.+)"', (TYPESCRIPT / "src" / "version.ts").read_text())

    versions = [__version__, project["version"], package["version"], locked["version"], said]
    assert set(versions) == {read_version()}


def test_the_licence_is_that_of_the_platform() -> None:
    licence = (ROOT / "LICENSE").read_text()

    assert (PYTHON / "LICENSE").read_text() == licence
    assert (TYPESCRIPT / "LICENSE").read_text() == licence


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PYTHON / "src")))
def test_the_client_imports_nothing_of_the_platform(path: Path) -> None:
    allowed = {"continuo_client", "httpx2", "msgspec", *sys.stdlib_module_names}
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]

    assert {name.split(".")[0] for name in names} <= allowed

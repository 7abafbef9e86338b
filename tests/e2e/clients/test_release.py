"""``bin/release`` builds what is published, and refuses a tree that must not be."""

import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from project.version import read_version
from tests.support.clients.registries import require_registries
from tests.support.programs.processes import ROOT
from tests.support.waiting import PATIENCE

PATHS = (
    "api", "benchmarks", "bin", "clients", "project", "tasks", "tests", ".dockerignore",
    ".gitignore", "CHANGELOG.md", "Dockerfile", "LICENSE", "Makefile", "pyproject.toml",
    "requirements-runtime.lock",
)  # fmt: skip
VERSION = read_version()

pytestmark = pytest.mark.timeout(600)


def git(folder: Path, *words: str) -> None:
    command = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one commit."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in PATHS:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "node_modules", "dist")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    for name in (".venv", ".bootstrap"):
        (folder / name).symlink_to(ROOT / name)
    git(folder, "init", "--quiet")
    with (folder / ".git" / "info" / "exclude").open("a") as file:
        file.write(".venv\n.bootstrap\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=one")
    return folder


def release(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "bin" / "release"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240 * PATIENCE,
    )


def test_it_builds_all_that_is_published(checkout: Path) -> None:
    require_registries()

    done = release(checkout)

    assert done.returncode == 0, done.stderr
    built = {path.name for path in (checkout / "dist").iterdir()}
    assert built == {
        f"continuo-{VERSION}.tar.gz",
        f"continuo-client-{VERSION}.tgz",
        f"continuo_client-{VERSION}-py3-none-any.whl",
        f"continuo_client-{VERSION}.tar.gz",
        "SHA256SUMS",
    }
    assert all(name in done.stdout for name in built)
    sums = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"],  # noqa: S607 - the one in the PATH
        cwd=checkout / "dist",
        check=False,
        timeout=60,
    )
    assert sums.returncode == 0
    with tarfile.open(checkout / "dist" / f"continuo-{VERSION}.tar.gz") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Dockerfile", "LICENSE", "bin/bootstrap", "api/app.py"} <= names
    assert not any(name.startswith((".venv", ".bootstrap", "dist")) for name in names)


def replace_text(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "notes.txt").touch(), "commit or stash your changes"),
        (
            lambda folder: replace_text(
                folder / "CHANGELOG.md", f"## [{VERSION}] - ", f"## [{VERSION}] "
            ),
            "the first release in CHANGELOG.md is",
        ),
        (
            lambda folder: replace_text(
                folder / "clients" / "typescript" / "package.json", f'"{VERSION}"', '"9.9.9"'
            ),
            "clients/typescript/package.json must have",
        ),
    ],
    ids=["a change", "no date", "another version"],
)
def test_it_refuses_a_tree_that_must_not_be_released(
    checkout: Path, change: Callable[[Path], None], words: str
) -> None:
    change(checkout)
    if "commit" not in words:
        git(checkout, "commit", "--all", "--quiet", "--message=two")

    done = release(checkout)

    assert done.returncode == 1
    assert words in done.stderr
    assert not (checkout / "dist").exists()

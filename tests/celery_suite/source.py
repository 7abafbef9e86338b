"""Fetch the integration tests of the installed Celery version."""

import shutil
import subprocess
import tarfile
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
FETCH_TIMEOUT_SECONDS = 300.0

QUEUE_CHECK = "if configured != {'celery'}:"
"""The suite allows no queue but its own; each worker of ours also has the queue of control jobs."""


def fetch_suite() -> Path:
    """The folder that has the package ``t``; fetched once per version of Celery.

    Raises ``CalledProcessError`` when the package index does not have the source.
    """
    release = version("celery")
    home = ROOT / ".bootstrap" / f"celery-suite-{release}"
    if home.exists():
        return home
    home.parent.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=home.parent) as name:
        folder = Path(name)
        with tarfile.open(download_source(release, folder)) as archive:
            archive.extractall(folder, filter="data")
        source = folder / f"celery-{release}"
        allow_control_queue(source / "t" / "integration" / "conftest.py")
        made = folder / "suite"
        made.mkdir()
        for part in ("t", "pyproject.toml"):  # not the package celery: the installed one is tested
            shutil.move(source / part, made)
        made.rename(home)
    return home


def download_source(release: str, folder: Path) -> Path:
    """Download the source archive of a Celery version."""
    venv = folder / "pip"
    run([ROOT / "bin" / "bootstrap", "uv", "venv", "--quiet", "--seed", venv])
    options = ["--quiet", "--no-deps", "--no-binary", "celery", "--dest", folder]
    run([venv / "bin" / "python", "-m", "pip", "download", *options, f"celery=={release}"])
    (archive,) = folder.glob("celery-*.tar.gz")
    return archive


def allow_control_queue(conftest: Path) -> None:
    """Let the suite's check of queues pass when a worker also has the queue ``control``."""
    text = conftest.read_text()
    if QUEUE_CHECK not in text:
        raise RuntimeError(f"{conftest}: the check of queues is not as expected")
    conftest.write_text(text.replace(QUEUE_CHECK, "if configured - {'control'} != {'celery'}:"))


def run(command: list[str | Path]) -> None:
    """Run a command. Raises ``CalledProcessError``."""
    subprocess.run(command, cwd=ROOT, check=True, timeout=FETCH_TIMEOUT_SECONDS)

"""Follow a guide: write its files and run its commands in a copy of the checkout."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.support.documents.markdown import ROOT
from tests.support.programs.system import System
from tests.support.waiting import PATIENCE

DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial.md"
BLOCK_PATTERN = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE_PATTERN = re.compile(r"`((?:\.\./)?[\w/]+\.py)`")
MAKE_UP_PATTERN = re.compile(r"((?:\w+=\S+ )*)make up\n")
KEPT_VARIABLES = ("ID", "KEY", "JSON")
"""Shell variables that one command of a guide sets for the next."""

BULK_COUNT = "400"
"""Jobs in the bulk example, where the guide takes a million."""

COPIED_PATHS = (
    "bin", "clients", "project", "tasks", "api", "tests", "examples", "pyproject.toml", "Procfile"
)  # fmt: skip


class Block(NamedTuple):
    """A code block. ``file`` is the path to write the code to, or "" when the code is run."""

    language: str
    code: str
    file: str = ""


def parse_blocks(page: Path = TUTORIAL) -> list[Block]:
    """The code blocks of a page, in order."""
    text, found, before = page.read_text(), [], 0
    for match in BLOCK_PATTERN.finditer(text):
        files = FILE_PATTERN.findall(text[before : match.start()])
        language, code = match.groups()
        is_file = language == "python" and bool(files)
        found.append(Block(language, code, files[-1] if is_file else ""))
        before = match.end()
    return found


class GuideRunner:
    """Runs the blocks of a guide. ``outputs`` has what each command printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder.with_suffix(".sh")
        self.state.touch()
        for name in COPIED_PATHS:
            copied = folder / name
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, copied, ignore=shutil.ignore_patterns("*.pyc"))
            else:
                shutil.copy(ROOT / name, copied)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        self.system = System(folder / "var", folder)
        self.system.folder.mkdir()
        self.settings: dict[str, str] = {}
        self.outputs: list[str] = []

    def run_block(self, block: Block) -> None:
        """Write the block's file, (re)start the system, or run the command."""
        if block.file:
            (self.folder / block.file).write_text(block.code)
        elif up := MAKE_UP_PATTERN.fullmatch(block.code):
            self.restart(**dict(setting.split("=") for setting in up[1].split()))
        elif block.language == "bash":
            self.outputs.append(self.run(block.code))

    def restart(self, **settings: str) -> None:
        """Stop the system if it runs, then start it with ``settings``."""
        if self.system.program:
            self.system.stop()
        self.system.start(**settings)
        self.settings = settings

    def start_with_defaults(self) -> None:
        """Make sure that the system runs without any setting."""
        if not self.system.program or self.settings:
            self.restart()

    def run(self, code: str) -> str:
        """Run code in bash and return its output; ``KEPT_VARIABLES`` survive to the next run."""
        port = f"localhost:{self.system.ports['PORT']}"
        keep = f"declare -p {' '.join(KEPT_VARIABLES)} >{self.state} 2>/dev/null || true"
        script = f"source {self.state}\n{code.replace('localhost:8000', port)}\n{keep}\n"
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script],  # noqa: S607 - the reader's bash
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=100 * PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        """The ports and the data folder of the running system; a reader has the defaults."""
        path = os.environ["PATH"]
        return {
            "PATH": path,
            "COUNT": BULK_COUNT,
            "DATA_DIR": str(self.system.folder),
            **self.system.ports,
        }

    def close(self) -> None:
        """Stop the system."""
        self.system.close()


def parse_objects(printed: str) -> list[dict[str, Any]]:
    """The indented JSON objects in an output, in order."""
    found = re.findall(r"^\{.*?^\}$", printed, re.DOTALL | re.MULTILINE)
    return [msgspec.json.decode(text) for text in found]

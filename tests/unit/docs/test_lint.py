"""The strict checks: they cover every kind of ours, and nothing that users add."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]
OWN_KINDS = {
    f"tasks.{path.name}" for path in (ROOT / "tests/unit/tasks").iterdir() if path.is_dir()
}
SLOPPY = 'import os,sys\ndef  f(x):\n  print(x); y=1+"a"\n  return x\n'


def list_platform() -> list[str]:
    """The paths in the Makefile's ``PLATFORM``."""
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    found = re.search(r"^PLATFORM := (.*)$", text, re.MULTILINE)
    assert found
    return found[1].split()


def test_every_own_kind_is_checked_strictly() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["packages"]
    linted = {path.removesuffix(".py").replace("/", ".") for path in list_platform()}

    assert {kind for kind in OWN_KINDS if "__" not in kind} <= linted & set(packages)


def test_code_of_users_is_checked_for_errors_only(tmp_path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    gentle = re.search(r"ruff (check --select \S+) \.", makefile)
    assert gentle
    module = tmp_path / "shop.py"
    codes = []

    for code in (SLOPPY, f"{SLOPPY}g(1)\n"):
        module.write_text(code)
        command = [Path(sys.executable).with_name("ruff"), *gentle[1].split(), "--isolated", module]
        codes.append(
            subprocess.run(command, capture_output=True, check=False, timeout=60).returncode
        )

    assert codes == [0, 1]

"""What the image is built from is let into the build."""

import re
import subprocess

import pytest

from project.settings.packages import EXTRAS
from tests.support.documents.markdown import ROOT


def test_every_path_that_the_dockerfile_copies_is_in_the_build_context() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copies = re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text())
    copied = {name for names in copies for name in names.split()}

    assert copied
    assert copied <= let_in
    assert [name for name in copied if not list(ROOT.glob(name))] == []


def read_pins(lock: str) -> set[str]:
    return set(re.findall(r"(?m)^[a-z0-9-]+==\S+", (ROOT / lock).read_text()))


@pytest.mark.parametrize("script", ["bootstrap", "lock"])
def test_the_scripts_know_the_extras_of_the_program(script: str) -> None:
    (extras,) = re.findall(r'(?m)^extras="(.*)"', (ROOT / "bin" / script).read_text())

    assert extras.split() == list(EXTRAS)


@pytest.mark.parametrize("extra", ["runtime", *EXTRAS])
def test_every_extra_has_a_lock_with_the_versions_that_are_tested(extra: str) -> None:
    pins = read_pins(f"requirements-{extra}.lock")

    assert pins
    assert pins - read_pins("requirements.lock") == set()


def test_an_unknown_extra_is_refused_with_the_known_ones() -> None:
    done = subprocess.run(
        ["/bin/sh", ROOT / "bin" / "bootstrap", "runtime", "--without", "mail,report"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 1
    assert "there is no extra report; the extras are reports mail docs" in done.stderr


def test_the_image_holds_the_file_that_names_the_version() -> None:
    last_stage = (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1]

    assert "\nCOPY pyproject.toml LICENSE ./\n" in last_stage

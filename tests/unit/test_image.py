"""What the image is built from is let into the build."""

import re

from tests.support.documents.markdown import ROOT


def test_every_path_that_the_dockerfile_copies_is_in_the_build_context() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copies = re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text())
    copied = {name for names in copies for name in names.split()}

    assert copied
    assert copied <= let_in
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_image_holds_the_file_that_names_the_version() -> None:
    last_stage = (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1]

    assert "\nCOPY pyproject.toml LICENSE ./\n" in last_stage

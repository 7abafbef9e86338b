"""The API says the version that pyproject.toml names."""

import re

from project.version import read_version
from tests.support.documents.markdown import ROOT


def test_the_version_is_that_of_the_project() -> None:
    (version,) = re.findall(r'(?m)^version = "(.+)"$', (ROOT / "pyproject.toml").read_text())

    assert read_version() == version

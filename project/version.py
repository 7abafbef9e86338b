"""The version of Continuo, from ``pyproject.toml``, which the image holds too."""

import tomllib
from functools import cache
from pathlib import Path


@cache
def read_version() -> str:
    """The version, such as ``0.2.0``."""
    text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text()
    version: str = tomllib.loads(text)["project"]["version"]
    return version

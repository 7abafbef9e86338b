"""A folder to make files in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from project.artifacts import links


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place to make files in."""
    with links.open_workshop() as folder:
        yield folder

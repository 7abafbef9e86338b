"""A history that is on and empty."""

import shutil
from collections.abc import Iterator

import pytest

from project.extras import has_extra
from project.history import files
from project.store.client import Store
from project.store.commands import archive


@pytest.fixture
def history(store: Store) -> Iterator[Store]:
    """The store of a platform whose history is on."""
    if not has_extra("reports"):
        pytest.skip("needs the extra reports")
    shutil.rmtree(files.get_root(), ignore_errors=True)
    store.run(archive.switch(on=True))
    yield store
    shutil.rmtree(files.get_root(), ignore_errors=True)

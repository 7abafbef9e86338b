"""One running system for all tests that only send requests."""

from collections.abc import Iterator

import pytest

from tests.support.programs.system import System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system that these tests share."""
    system = System(tmp_path_factory.mktemp("system"))
    system.start()
    yield system
    system.close()

"""One system for all tests that only talk to it."""

from collections.abc import Iterator

import pytest

from tests.support.system import House


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The system that the tests of the API talk to."""
    house = House(tmp_path_factory.mktemp("house"))
    house.start()
    yield house
    house.close()

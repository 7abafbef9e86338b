"""The system does what /openapi.json says it does, and nothing else."""

from collections.abc import Iterator

import pytest

from tests.contract.tryout import KEY, KEYS, try_out
from tests.support.system import House


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A system that asks for a key."""
    house = House(tmp_path_factory.mktemp("contract"))
    house.http.headers["X-API-Key"] = KEY
    house.start(**KEYS)
    yield house
    house.close()


@pytest.mark.timeout(600)
def test_every_answer_is_as_described(own: House) -> None:
    verdict = try_out(own, examples=5, seconds=400)
    assert verdict.is_kept, verdict.report
    assert verdict.cases > 300

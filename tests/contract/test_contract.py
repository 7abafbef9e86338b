"""Every answer of the system matches /openapi.json."""

from collections.abc import Iterator

import pytest

from tests.contract.tryout import API_KEY, API_KEY_SETTINGS, check_contract
from tests.support.programs.system import System
from tests.support.waiting import PATIENCE


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that requires a key."""
    system = System(tmp_path_factory.mktemp("contract"))
    system.http.headers["X-API-Key"] = API_KEY
    system.start(**API_KEY_SETTINGS)
    yield system
    system.close()


@pytest.mark.timeout(600)
def test_every_answer_matches_the_openapi_document(own_system: System) -> None:
    verdict = check_contract(own_system, examples=5, seconds=400 * PATIENCE)
    assert verdict.is_kept, verdict.report
    assert verdict.cases > 300

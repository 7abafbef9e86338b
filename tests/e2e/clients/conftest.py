"""A system with typed kinds, and each kind of client for it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.clients.blocking import MAKERS
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System
from tests.support.waiting import PATIENCE

KEY = "k" * 40
PACKAGES = ROOT / "tests" / "support" / "packages"


@pytest.fixture(scope="session")
def kinds_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with typed kinds, that requires a key."""
    system = System(tmp_path_factory.mktemp("clients") / "data")
    system.http.headers["X-API-Key"] = KEY
    try:
        system.start(
            PYTHONPATH=str(PACKAGES),
            CONTINUO_TASKS="acme.billing",
            CONTINUO_HISTORY="1",
            CONTINUO_API_KEYS=f"tests:{KEY}",
            CONTINUO_WEBHOOK_ALLOW="127.0.0.1",
        )
        yield system
    finally:
        system.close()


@pytest.fixture(params=MAKERS)
def client(request: pytest.FixtureRequest, kinds_system: System) -> Iterator[Any]:
    """A client of the system, in both forms."""
    url = str(kinds_system.http.base_url)
    with MAKERS[request.param](url, KEY, retry_seconds=60 * PATIENCE) as client:
        yield client

"""One process of the API, and threads for its clients."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from project.local.valkey import EmbeddedValkey
from tests.support.event_listeners import LISTENERS, api_on
from tests.support.programs.api_process import ApiProcess


@pytest.fixture(scope="module")
def api(valkey: EmbeddedValkey) -> Iterator[ApiProcess]:
    """One process of the API."""
    with api_on(valkey) as process:
        yield process


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for those who listen."""
    with ThreadPoolExecutor(LISTENERS) as pool:
        yield pool

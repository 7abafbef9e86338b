"""Fixtures for every test: default settings, a Valkey server and an empty store."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import hypothesis
import pytest

from project.local.valkey import EmbeddedValkey
from project.settings.groups import forget_settings, list_variables
from project.settings.values import Settings, get_settings
from project.store.client import Store
from tests.support.ports import find_free_port
from tests.support.settings import list_all_variables
from tests.support.waiting import PATIENCE

HOME = Path(tempfile.mkdtemp(prefix="continuo-tests-"))

# A slow example only means a busy machine.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")


def clear_variables(names: Iterable[str]) -> None:
    """Remove these variables from the environment, so that the defaults apply."""
    for name in names:
        os.environ.pop(name, None)


# Importing job kinds reads the settings, so the environment comes first.
clear_variables(list_variables(Settings))
os.environ |= {
    "DATA_DIR": str(HOME),
    "VALKEY_PORT": str(find_free_port()),
    "SMTP_PORT": str(find_free_port()),
    "PORT": str(find_free_port()),
    "FLOWER_PORT": str(find_free_port()),
}
clear_variables(list_all_variables().keys() - list_variables(Settings).keys())
forget_settings()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the time limit that a test sets itself grow with the waits in it."""
    for item in items:
        if mark := item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(mark.args[0] * PATIENCE), append=False)


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedValkey]:
    """The Valkey server that the settings point at, one for the whole run."""
    with EmbeddedValkey(HOME / "valkey", get_settings().valkey_port) as server:
        yield server


@pytest.fixture
def store(valkey: EmbeddedValkey) -> Iterator[Store]:
    """A store on an empty database."""
    store = Store(valkey.url)
    store.client.flushall()
    yield store
    store.close()

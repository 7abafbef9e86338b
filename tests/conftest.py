"""What every test shares: its own settings, a real Valkey, and patience without sleeping."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from project.local.valkey import EmbeddedValkey
from project.settings.values import Settings, get_settings
from project.store.client import Store
from tests.support.ports import find_free_port

HOME = Path(tempfile.mkdtemp(prefix="continuo-tests-"))

# How long an example takes says how busy the machine is, no more.
hypothesis.settings.register_profile("patient", deadline=2_000)
hypothesis.settings.load_profile("patient")


def clear_settings() -> None:
    """Take everything out of the environment that would set us up differently."""
    for name, field in Settings.model_fields.items():
        os.environ.pop(str(field.validation_alias or name.upper()), None)


# Settings are read once, when first asked for: these are in place before a test asks.
clear_settings()
os.environ |= {
    "DATA_DIR": str(HOME),
    "VALKEY_PORT": str(find_free_port()),
    "SMTP_PORT": str(find_free_port()),
    "PORT": str(find_free_port()),
    "FLOWER_PORT": str(find_free_port()),
}


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedValkey]:
    """The Valkey that the settings point at, for the whole run."""
    with EmbeddedValkey(HOME / "valkey", get_settings().valkey_port) as server:
        yield server


@pytest.fixture
def store(valkey: EmbeddedValkey) -> Iterator[Store]:
    """A store with nothing in it."""
    store = Store(valkey.url)
    store.client.flushall()
    yield store
    store.close()

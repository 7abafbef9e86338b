"""Worker processes on the Valkey server of the test run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from project.celery import app
from project.local.valkey import EmbeddedValkey
from tests.support.programs.workers import JobInspector, Workers


@pytest.fixture(scope="session")
def client(valkey: EmbeddedValkey) -> Iterator[redis.Redis]:
    """A plain connection without a socket timeout."""
    with redis.Redis.from_url(valkey.url, decode_responses=True, socket_timeout=None) as client:
        yield client


@pytest.fixture(scope="session")
def inspector(client: redis.Redis) -> JobInspector:
    """Reads jobs from outside the worker."""
    return JobInspector(app, client)


@pytest.fixture(scope="module")
def worker_pool(
    client: redis.Redis, valkey: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    """The workers of a module; Redis is emptied once, before the first test."""
    workers = Workers(tmp_path_factory.mktemp("workers"), valkey.url, client)
    yield workers
    workers.stop()


@pytest.fixture
def workers(client: redis.Redis, valkey: EmbeddedValkey, tmp_path: Path) -> Iterator[Workers]:
    """The workers of one test, on an empty Redis."""
    workers = Workers(tmp_path, valkey.url, client)
    yield workers
    workers.stop()

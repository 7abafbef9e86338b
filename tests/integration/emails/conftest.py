"""A scripted mail server that the settings name, and an empty ledger."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from project.local.valkey import EmbeddedValkey
from project.settings.groups import forget_settings
from project.store.client import Store
from tasks.emails.delivery.ledger_store import LedgerStore
from tests.support.mailings import url_of
from tests.support.servers.scripted_smtp import ScriptedSmtpServer


@pytest.fixture
def keys(valkey: EmbeddedValkey) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(valkey.url, socket_timeout=10)) as client:
        client.flushall()
        yield client


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedSmtpServer]:
    with ScriptedSmtpServer() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv("SMTP_URL", url_of(scripted))
        monkeypatch.setenv("MAIL_FROM", "Continuo <continuo@mail.example.com>")
        forget_settings()
        yield scripted
        monkeypatch.undo()
        forget_settings()
        scripted.shutdown()
        thread.join(10)


@pytest.fixture
def ledger(store: Store) -> Iterator[LedgerStore]:
    """An empty ledger, whose connection ends with the test."""
    one = LedgerStore(store.client)
    yield one
    one.close()


@pytest.fixture
def job() -> str:
    return str(uuid.uuid4())


@pytest.fixture(
    params=["250 scripted", "250-scripted\r\n250 PIPELINING"], ids=["single", "several"]
)
def either(request: pytest.FixtureRequest, server: ScriptedSmtpServer) -> ScriptedSmtpServer:
    """A server that takes one command at a time, and one that takes several."""
    server.hello = request.param
    return server

"""A PostgreSQL server with an outbox, and a relay that is driven step by step."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from continuo_client.outbox import SCHEMA

from project.celery import app
from project.relay.outbox import Outbox
from project.relay.relay import Relay
from project.store.client import Store
from tests.support.apps import kinds  # noqa: F401 - declares what the tests order
from tests.support.servers.postgres import PostgresServer, run_postgres

MAX_BYTES = 10_000


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for all tests of the relay."""
    with run_postgres() as server:
        yield server


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    """The URL of the server, whose outbox is empty."""
    with psycopg.connect(postgres.url) as connection:
        connection.execute(SCHEMA)
        connection.execute("truncate continuo_outbox, continuo_outbox_refused, continuo_results")
    return postgres.url


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    """The connection of an application."""
    with psycopg.connect(database) as connection:
        yield connection


@dataclass
class RelayDriver:
    """Relays when it is told to."""

    relay: Relay
    outbox: Outbox

    def work(self) -> None:
        """Relay until nothing is left."""
        while self.relay.relay(self.outbox):
            pass

    def count(self, table: str = "continuo_outbox") -> int:
        """How many rows there are."""
        row = self.outbox.connection.execute(f"select count(*) from {table}").fetchone()  # noqa: S608
        assert row is not None
        return int(row[0])

    def find_reason(self, job_id: UUID) -> str:
        """Why a row was refused."""
        query = "select reason from continuo_outbox_refused where id = %s"
        row = self.outbox.connection.execute(query, [job_id]).fetchone()
        assert row is not None
        return str(row[0])


@pytest.fixture
def driver(database: str, store: Store) -> Iterator[RelayDriver]:
    """A relay on the outbox and an empty Redis."""
    with Outbox(database) as outbox:
        yield RelayDriver(Relay(app, store, "test", MAX_BYTES), outbox)

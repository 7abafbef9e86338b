"""Payloads are checked by the schemas of their kinds, where these are known, before any row."""

import asyncio
import threading
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from continuo_client import Client
from continuo_client.outbox import InvalidPayload, PayloadSchemas, aenqueue, enqueue
from continuo_client.records import Kind

from project.local.valkey import EmbeddedValkey
from tests.support.ports import find_free_port
from tests.support.programs.api_process import start_api, wait_until_reachable

API = "api.app:build"
REPORT = {"type": "summary"}


@pytest.fixture(scope="module")
def kinds(valkey: EmbeddedValkey) -> list[Kind]:
    """What a running API lists."""
    with start_api(API, REDIS_URL=valkey.url) as api:
        wait_until_reachable(lambda: api.get("/health/ready").status_code == 200)
        with Client(api.base) as client:
            return client.kinds()


@pytest.fixture
def schemas(kinds: list[Kind]) -> PayloadSchemas:
    return PayloadSchemas(lambda: kinds)


@pytest.mark.parametrize(
    ("kind", "payload", "field"),
    [
        ("report", {"type": 7}, "type"),
        ("webhook", {}, "payload"),
        ("report", REPORT | {"colour": "red"}, "colour"),
        ("report", REPORT | {"delay": 5}, "delay"),
        ("webhook", {"url": "https://example.com/", "timeout": "soon"}, "timeout"),
    ],
    ids=["type", "missing", "unknown", "option", "nested"],
)
def test_a_payload_that_does_not_fit_is_refused_before_there_is_a_row(
    kind: str,
    payload: dict[str, Any],
    field: str,
    schemas: PayloadSchemas,
    connection: psycopg.Connection[Any],
) -> None:
    with pytest.raises(InvalidPayload, match=f"the payload of {kind} is not allowed") as caught:
        enqueue(connection, kind, payload, check=schemas.check)

    assert caught.value.errors[0].field == field
    assert connection.execute("select count(*) from continuo_outbox").fetchone() == (0,)


def test_a_payload_that_fits_and_a_kind_that_is_not_known_are_ordered(
    schemas: PayloadSchemas, connection: psycopg.Connection[Any]
) -> None:
    enqueue(connection, "report", REPORT, check=schemas.check, delay=5)
    enqueue(connection, "of.our.own", {"amount": Decimal("0.1")}, check=schemas.check)

    assert connection.execute("select count(*) from continuo_outbox").fetchone() == (2,)


def test_an_event_loop_checks_too(schemas: PayloadSchemas, database: str) -> None:
    async def order() -> None:
        async with await psycopg.AsyncConnection.connect(database) as connection:
            await aenqueue(connection, "report", {"type": 7}, check=schemas.check)

    with pytest.raises(InvalidPayload):
        asyncio.run(order())


def test_schemas_are_loaded_once_and_again_when_they_are_old(kinds: list[Kind]) -> None:
    calls: list[int] = []

    def load() -> list[Kind]:
        calls.append(1)
        return kinds

    schemas = PayloadSchemas(load)
    for _ in range(3):
        schemas.check("report", REPORT)
    assert len(calls) == 1

    old = PayloadSchemas(load, seconds=0.0)
    for _ in range(3):
        old.check("report", REPORT)
    assert len(calls) == 4


def test_an_api_that_is_away_leaves_the_known_schemas_and_is_not_asked_at_every_order(
    kinds: list[Kind],
) -> None:
    with Client(f"http://127.0.0.1:{find_free_port()}", retry_seconds=0) as away:
        asked: list[int] = []

        def load() -> list[Kind]:
            asked.append(1)
            return kinds if len(asked) == 1 else away.kinds()

        schemas = PayloadSchemas(load, seconds=0.0)
        schemas.check("report", REPORT)
        with pytest.raises(InvalidPayload):
            schemas.check("report", {"type": 7})

        assert len(asked) == 2

        never = PayloadSchemas(load)
        never.check("report", {"type": 7})
        never.check("report", {"type": 7})
        assert len(asked) == 3


def test_other_threads_do_not_wait_for_a_refresh(kinds: list[Kind]) -> None:
    slow, is_loading = threading.Event(), threading.Event()

    def load() -> list[Kind]:
        if schemas._kinds:  # noqa: SLF001
            is_loading.set()
            slow.wait(30)
        return kinds

    schemas = PayloadSchemas(load, seconds=0.0)
    schemas.check("report", REPORT)
    thread = threading.Thread(target=schemas.refresh)
    thread.start()
    assert is_loading.wait(30)

    with pytest.raises(InvalidPayload):
        schemas.check("report", {"type": 7})
    slow.set()
    thread.join(30)

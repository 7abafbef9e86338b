"""What people see of an outbox: how much waits, how long, and what was put aside."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from continuo_client.outbox import enqueue

from project.celery import app
from project.local.valkey import EmbeddedValkey
from project.relay import thread
from project.relay.refused import list_refused
from project.relay.thread import RelayThread
from project.settings.relay import name_outbox
from project.store.client import Store
from project.store.commands.relay import OutboxState, list_outboxes, report_outbox
from tests.integration.relay.conftest import RelayDriver
from tests.support.ports import find_free_port
from tests.support.programs.api_process import ApiProcess, start_api, wait_until_reachable
from tests.support.waiting import wait_until

API = "api.app:build"
PAYLOAD = {"x": 1, "y": 2}


@pytest.fixture
def api(valkey: EmbeddedValkey, store: Store, database: str) -> Iterator[ApiProcess]:
    with start_api(API, REDIS_URL=valkey.url, OUTBOX_URL=database) as api:
        wait_until_reachable(lambda: api.get("/health/ready").status_code == 200)
        yield api


@pytest.fixture
def refused(connection: psycopg.Connection[Any], driver: RelayDriver) -> UUID:
    """The id of a row that was put aside."""
    job_id = enqueue(connection, "tests.later", PAYLOAD, tags=["a"])
    connection.commit()
    driver.work()
    return job_id


def test_a_relay_reports_what_waits_and_what_is_put_aside(
    database: str,
    connection: psycopg.Connection[Any],
    refused: UUID,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enqueue(connection, "tests.add", PAYLOAD)
    connection.execute("update continuo_outbox set ordered_at = ordered_at - interval '90 s'")
    connection.commit()
    connection.execute("select seq from continuo_outbox for update")  # it stays
    monkeypatch.setattr(thread, "REPORT_SECONDS", 0.0)
    relay = RelayThread(app, database)

    relay.start()
    wait_until(lambda: store.run(list_outboxes()))
    (found,) = store.run(list_outboxes())
    relay.ended.set()
    connection.rollback()
    with psycopg.connect(database) as other:
        enqueue(other, "tests.add", PAYLOAD)  # wakes it up
    relay.join(30)

    assert (found.name, found.rows, found.refused) == (name_outbox(database), 1, 1)
    assert 90 <= found.lag < 120
    assert found.unseen < 30


def test_an_empty_outbox_has_no_lag(driver: RelayDriver, store: Store) -> None:
    store.run(report_outbox("db/shop", *driver.outbox.measure()))

    (found,) = store.run(list_outboxes())

    assert found == OutboxState("db/shop", 0, 0.0, 0, found.unseen)


def test_an_outbox_that_nobody_looks_at_is_unseen_and_then_forgotten(store: Store) -> None:
    store.run(report_outbox("old", 1, 5.0, 0))
    stored = json.loads(store.client.hget("continuo:outboxes", "old") or "")
    hours_ago = {name: stored[name] - 36_000 for name in ("seen_at", "oldest_at")}
    store.client.hset("continuo:outboxes", "old", json.dumps(stored | hours_ago))

    (found,) = store.run(list_outboxes())
    store.client.hset("continuo:outboxes", "old", json.dumps(stored | {"seen_at": 1.0}))
    store.run(report_outbox("new", 0, None, 0))

    assert (round(found.unseen, -2), round(found.lag, -2)) == (36_000, 36_000)
    assert [each.name for each in store.run(list_outboxes())] == ["new"]


def test_metrics_and_the_list_say_the_same(api: ApiProcess, store: Store) -> None:
    store.run(report_outbox("db/shop", 7, 3.0, 2))

    (shown,) = api.get("/outboxes").json()["outboxes"]
    metrics = api.get("/metrics").text

    assert (shown["name"], shown["rows"], shown["refused"]) == ("db/shop", 7, 2)
    assert 3 <= shown["lag"] < 60
    assert 'continuo_outbox_rows{outbox="db/shop"} 7' in metrics
    assert 'continuo_outbox_refused{outbox="db/shop"} 2' in metrics


def test_a_row_that_was_put_aside_is_shown_with_its_reason(
    api: ApiProcess, database: str, refused: UUID
) -> None:
    answer = api.get("/outboxes/refused").json()
    (shown,) = answer["refused"]

    assert answer["problems"] == {}
    assert (shown["id"], shown["outbox"]) == (str(refused), name_outbox(database))
    assert (shown["kind"], shown["payload"]) == ("tests.later", PAYLOAD)
    assert shown["options"] == {"tags": ["a"]}
    assert shown["reason"].startswith("kind: 'tests.later' is not known here")
    assert shown["ordered_at"] <= shown["refused_at"]


def test_a_large_payload_is_not_shown(
    api: ApiProcess, connection: psycopg.Connection[Any], driver: RelayDriver
) -> None:
    enqueue(connection, "tests.add", {"x": "a" * 11_000})
    connection.commit()
    driver.work()

    (shown,) = api.get("/outboxes/refused").json()["refused"]

    assert (shown["payload"], shown["options"]) == (None, {})


def retry(api: ApiProcess, job_id: UUID) -> int:
    return api.post(f"/outboxes/refused/{job_id}/retry").status_code


def delete(api: ApiProcess, job_id: UUID) -> int:
    with api.client() as client:
        return client.delete(f"/outboxes/refused/{job_id}").status_code


@pytest.mark.parametrize(("act", "waiting"), [(retry, 1), (delete, 0)], ids=["retry", "delete"])
def test_a_row_is_ordered_again_or_deleted_once(
    act: Callable[[ApiProcess, UUID], int],
    waiting: int,
    api: ApiProcess,
    driver: RelayDriver,
    refused: UUID,
) -> None:
    assert act(api, refused) == 204
    assert (driver.count(), driver.count("continuo_outbox_refused")) == (waiting, 0)
    assert act(api, refused) == 404
    assert act(api, uuid4()) == 404


def test_an_id_that_is_none_is_not_found(api: ApiProcess) -> None:
    assert api.post("/outboxes/refused/none/retry").status_code == 404


def test_a_database_that_is_away_is_named_and_hides_no_other(database: str, refused: UUID) -> None:
    away = f"postgresql://nobody@127.0.0.1:{find_free_port()}/shop"

    found = list_refused([away, database], 10)

    assert [each.id for each in found.orders] == [str(refused)]
    assert list(found.problems) == [name_outbox(away)]


def test_a_change_says_that_it_could_not_look_everywhere(
    valkey: EmbeddedValkey, database: str, store: Store
) -> None:
    away = f"postgresql://nobody@127.0.0.1:{find_free_port()}/shop"

    with start_api(API, REDIS_URL=valkey.url, OUTBOX_URL=f"{database} {away}") as api:
        wait_until_reachable(lambda: api.get("/health/ready").status_code == 200)
        answer = api.post(f"/outboxes/refused/{uuid4()}/retry")

    assert answer.status_code == 503
    assert name_outbox(away) in answer.json()["detail"]


def test_without_outboxes_nothing_is_put_aside(valkey: EmbeddedValkey, store: Store) -> None:
    with start_api(API, REDIS_URL=valkey.url) as api:
        wait_until_reachable(lambda: api.get("/health/ready").status_code == 200)

        assert api.get("/outboxes").json() == {"outboxes": []}
        assert api.get("/outboxes/refused").json() == {"refused": [], "problems": {}}

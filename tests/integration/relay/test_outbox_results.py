"""How jobs ended comes back into the database that ordered them, when the order wants it."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from continuo_client.outbox import enqueue
from psycopg.rows import dict_row

from project.celery import app
from project.records.record import TaskStatus
from project.relay import results
from project.relay.orders import OUTCOME_KIND
from project.relay.results import OutboxNotWritable, store_ending
from project.settings.relay import RelaySettings, name_outbox
from project.store.commands.callbacks import JobEnding
from tests.integration.relay.conftest import RelayDriver
from tests.support.programs.workers import JobInspector, Workers
from tests.support.servers.postgres import PostgresServer
from tests.support.waiting import wait_until

PAYLOAD = {"x": 1, "y": 2}
Row = dict[str, Any]


def find_result(database: str, job_id: UUID) -> Row | None:
    with psycopg.connect(database, row_factory=dict_row) as connection:
        found = connection.execute("select * from continuo_results where id = %s", [job_id])
        return found.fetchone()


def order(database: str, kind: str, payload: Row, **options: Any) -> UUID:
    with psycopg.connect(database) as connection:
        return enqueue(connection, kind, payload, store_result=True, **options)


def wait_for_result(database: str, job_id: UUID) -> Row:
    wait_until(lambda: find_result(database, job_id), 30)
    row = find_result(database, job_id)
    assert row
    return row


@pytest.fixture
def settings(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This process writes outcomes; yields the name of the outbox."""
    monkeypatch.setattr(results, "get_relay_settings", lambda: RelaySettings(outbox_url=database))
    yield name_outbox(database)
    for connection in results._connections.values():  # noqa: SLF001
        connection.close()
    results._connections.clear()  # noqa: SLF001


def test_success_and_failure_come_back_with_what_the_record_says(
    database: str, workers: Workers
) -> None:
    workers.start(OUTBOX_URL=database).ready()

    good = order(database, "tests.add", PAYLOAD)
    bad = order(database, "tests.add", {"x": 1, "y": "a"}, max_retries=1)
    first, second = wait_for_result(database, good), wait_for_result(database, bad)

    assert (first["kind"], first["status"], first["result"]) == ("tests.add", "success", 3)
    assert (first["attempts"], first["error"]) == (1, "")
    assert abs(first["ended_at"].timestamp() - time.time()) < 60
    assert (second["status"], second["result"]) == ("failed", None)
    assert "TypeError" in second["error"]


def test_an_order_without_the_option_leaves_no_result(
    database: str, workers: Workers, inspector: JobInspector
) -> None:
    workers.start(OUTBOX_URL=database).ready()

    with psycopg.connect(database) as connection:
        silent = enqueue(connection, "tests.add", PAYLOAD)
    wait_for_result(database, order(database, "tests.add", PAYLOAD))
    inspector.wait_until_final(str(silent))

    assert find_result(database, silent) is None


def test_a_result_comes_when_postgresql_is_back(
    database: str, postgres: PostgresServer, workers: Workers, inspector: JobInspector
) -> None:
    workers.start("-Q", "nobody-listens", OUTBOX_URL=database).ready()
    job_id = order(database, "tests.add", PAYLOAD)
    wait_until(lambda: inspector.has_record(str(job_id)))

    postgres.stop()
    workers.start(OUTBOX_URL=database).ready()
    inspector.wait_until_final(str(job_id))
    wait_until(lambda: count_attempts() > 0)
    postgres.start()

    assert wait_for_result(database, job_id)["result"] == 3


def count_attempts() -> int:
    """How often an outcome was not written."""
    found = app.store.client.keys("continuo:job:*")
    fields = (app.store.client.hmget(key, "kind", "attempts") for key in found)
    return sum(int(attempts or 0) for kind, attempts in fields if kind == OUTCOME_KIND.encode())


def test_a_rerun_replaces_the_result(
    database: str, workers: Workers, inspector: JobInspector
) -> None:
    workers.start(OUTBOX_URL=database).ready()
    job_id = order(database, "tests.add", {"x": 1, "y": "a"}, max_retries=1)
    before = wait_for_result(database, job_id)

    app.AsyncResult(str(job_id)).rerun()
    wait_until(lambda: (find_result(database, job_id) or before)["ended_at"] > before["ended_at"])

    assert find_result(database, job_id) != before


def test_twice_is_once_and_an_older_end_changes_nothing(database: str, settings: str) -> None:
    job_id = uuid4()
    ending = JobEnding(TaskStatus.SUCCESS, 1_000.0, str(job_id), None)

    store_ending(settings, ending)
    store_ending(settings, ending)
    store_ending(settings, ending._replace(status=TaskStatus.FAILED, at=999.0))
    row = find_result(database, job_id)

    assert row
    assert (row["status"], row["ended_at"].timestamp(), row["kind"]) == ("success", 1_000.0, "")


def test_a_worker_without_the_outbox_says_so(settings: str) -> None:
    ending = JobEnding(TaskStatus.SUCCESS, 1.0, str(uuid4()), None)

    with pytest.raises(OutboxNotWritable, match="does not have db/shop: give all the same"):
        store_ending("db/shop", ending)


def test_a_lost_connection_is_opened_again(
    database: str, settings: str, postgres: PostgresServer
) -> None:
    ending = JobEnding(TaskStatus.SUCCESS, 1.0, str(uuid4()), None)
    store_ending(settings, ending)

    postgres.stop()
    postgres.start()
    with pytest.raises(OutboxNotWritable):
        store_ending(settings, ending)
    store_ending(settings, ending._replace(at=2.0))

    row = find_result(database, UUID(ending.job_id))
    assert row
    assert row["ended_at"].timestamp() == 2


def test_a_result_and_a_callback_cannot_both_be_wanted(database: str, driver: RelayDriver) -> None:
    job_id = order(database, "tests.add", PAYLOAD, callback_url="https://example.com/")

    driver.work()

    assert driver.find_reason(job_id) == "store_result: cannot be given together with callback_url"

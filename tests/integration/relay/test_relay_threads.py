"""The relay of a worker: it starts at once, and catches up when a server was away."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from continuo_client.outbox import enqueue

from project.celery import app
from project.local.valkey import EmbeddedValkey
from project.relay import thread
from project.relay.thread import RelayThread
from project.settings.checks import EXIT_WRONG_SETTINGS
from project.store.client import Store
from tests.support.apps import kinds  # noqa: F401 - declares what the tests order
from tests.support.ports import find_free_port
from tests.support.programs.processes import Program
from tests.support.programs.workers import JobInspector, Workers
from tests.support.servers.postgres import PostgresServer
from tests.support.waiting import wait_until

PAYLOAD = {"x": 1, "y": 2}


@pytest.fixture
def relay(database: str, store: Store) -> Iterator[RelayThread]:
    """A thread that relays."""
    thread = RelayThread(app, database)
    thread.start()
    yield thread
    thread.ended.set()
    order(database)  # wakes it up
    thread.join(30)


def order(database: str) -> UUID:
    with psycopg.connect(database) as connection:
        return enqueue(connection, "tests.add", PAYLOAD)


def has_job(job_id: UUID) -> bool:
    return app.AsyncResult(str(job_id)).record is not None


def test_a_worker_runs_what_was_committed(
    database: str, workers: Workers, inspector: JobInspector
) -> None:
    workers.start(OUTBOX_URL=database).ready()

    job_id = order(database)
    wait_until(lambda: has_job(job_id))
    done = inspector.wait_until_final(str(job_id))

    assert (done.status, done.result) == ("success", 3)


def test_two_workers_make_each_job_once_when_one_is_killed(
    database: str, workers: Workers, inspector: JobInspector, client: Any
) -> None:
    first, second = (workers.start("-Q", "nobody-listens", OUTBOX_URL=database) for _ in range(2))
    first.ready()
    second.ready()

    with psycopg.connect(database) as connection:
        for _ in range(4):
            connection.execute("""
                select continuo_enqueue('tests.add', '{"x": 1, "y": 2}')
                from generate_series(1, 2000)
            """)
            connection.commit()
        first.kill()
    wait_until(lambda: count_rows(database) == 0, 60)

    assert client.llen("celery") == 8_000


def count_rows(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("select count(*) from continuo_outbox").fetchone()
    assert row is not None
    return int(row[0])


def test_a_notification_is_not_waited_for_until_the_next_poll(
    database: str, relay: RelayThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread, "POLL_SECONDS", 1_000.0)
    ids = []

    for _ in range(20):
        job_id = order(database)
        wait_until(lambda job_id=job_id: has_job(job_id))  # type: ignore[misc]
        ids.append(job_id)

    assert len(set(ids)) == 20


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_the_relay_goes_on_when_postgresql_is_back(
    how: signal.Signals, database: str, postgres: PostgresServer, relay: RelayThread
) -> None:
    before = order(database)
    wait_until(lambda: has_job(before))

    postgres.stop(how)
    postgres.start()
    after = order(database)
    wait_until(lambda: has_job(after))

    assert relay.is_alive()


def test_the_relay_goes_on_when_redis_is_back(
    database: str, tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with EmbeddedValkey(tmp_path / "own", find_free_port()) as valkey:
        url = valkey.url
    ids = [order(database) for _ in range(3)]
    relay = RelayThread(app, database)
    relay.store.close()
    relay.store = relay.relay.store = Store(url)

    relay.start()
    wait_until(lambda: "waits: Redis: " in caplog.text)
    with EmbeddedValkey(tmp_path / "own", valkey.port):
        wait_until(lambda: relay.store.client.llen("celery") == 3)
        relay.ended.set()
        wait_until(lambda: count_rows(database) == 0)
        order(database)  # wakes it up
        relay.join(30)

    assert len(ids) == 3


def test_a_database_without_an_outbox_is_named(
    database: str, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    relay = RelayThread(app, database.replace("/postgres", "/template1"))

    relay.start()
    wait_until(lambda: "run the SQL of python -m continuo_client.outbox sql" in caplog.text)
    relay.ended.set()
    relay.join(30)

    assert not relay.is_alive()


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"OUTBOX_URL": "mysql://a"}, "OUTBOX_URL: must be postgresql://"),
        (
            {"OUTBOX_URL": "postgresql://a/b", "CONTINUO_WITHOUT": "outbox"},
            "OUTBOX_URL: this needs the extra outbox, which is not installed",
        ),
    ],
    ids=["scheme", "extra"],
)
def test_a_worker_that_cannot_relay_does_not_start(
    environment: dict[str, str], problem: str, valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "celery", "-A", "project", "worker", "--hostname=no@test"]
    worker = Program(command, tmp_path / "log", {"REDIS_URL": valkey.url} | environment)

    wait_until(lambda: not worker.is_running, 30)

    assert worker.process.wait() == EXIT_WRONG_SETTINGS
    assert problem in worker.output

"""Application, relay, Valkey and PostgreSQL are killed in turn: jobs are exactly what committed.

``TEST_KILLS`` says how many kills there are.
"""

import json
import logging
import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from project.local.valkey import EmbeddedValkey
from tests.support.apps import orderer
from tests.support.ports import find_free_port
from tests.support.programs.processes import Program
from tests.support.programs.workers import UNWATCHED_QUEUE, Workers
from tests.support.servers.postgres import PostgresServer, try_execute
from tests.support.waiting import wait_until

log = logging.getLogger(__name__)

KILLS = int(os.environ.get("TEST_KILLS", "6"))
WORKERS = 2
MAX_PAUSE_SECONDS = 0.6
BACKENDS = "select pid from pg_stat_activity where application_name = 'continuo relay'"


class Victims:
    """What is killed, one after the other, and started again."""

    def __init__(self, server: PostgresServer, valkey: EmbeddedValkey, folder: Path) -> None:
        self.server = server
        self.valkey = valkey
        self.folder = folder
        self.redis = redis.Redis.from_url(valkey.url)
        self.workers = Workers(folder, valkey.url, self.redis)
        for _ in range(WORKERS):
            self.start_worker()
        self.application = self.start_application()

    def start_worker(self) -> None:
        self.workers.start("-Q", UNWATCHED_QUEUE, OUTBOX_URL=self.server.url)

    def start_application(self) -> Program:
        command = [sys.executable, "-m", "tests.support.apps.orderer", self.server.url]
        return Program(command, self.folder / "application.log", {"PYTHONPATH": find_path()})

    def kill(self, number: int) -> None:
        """Kill the next one."""
        kinds = (
            self.kill_relay,
            self.kill_postgres,
            self.kill_valkey,
            self.kill_application,
            self.kill_backend,
        )
        kinds[number % len(kinds)]()

    def kill_relay(self) -> None:
        """Kill the older of the two workers that relay."""
        running = [worker for worker in self.workers.started if worker.is_running]
        running[0].kill()
        self.start_worker()

    def kill_postgres(self) -> None:
        self.server.stop(signal.SIGQUIT)
        self.server.start()

    def kill_valkey(self) -> None:
        process = self.valkey.process
        assert process
        process.kill()
        process.wait()
        self.valkey.supervise()

    def kill_application(self) -> None:
        self.application.kill()
        self.application = self.start_application()

    def kill_backend(self) -> None:
        """Kill the PostgreSQL process of a relay; the server then restarts all of them."""
        with psycopg.connect(self.server.url) as connection:
            found = [int(pid) for (pid,) in connection.execute(BACKENDS)]
        for pid in found[:1]:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: try_execute(self.server.url, "select 1"), 30)

    def settle(self) -> None:
        """End the application, and wait until nothing is left in the outbox."""
        self.application.kill()
        wait_until(lambda: not self.read_ids("continuo_outbox"), 120)

    def read_ids(self, table: str) -> list[str]:
        with psycopg.connect(self.server.url) as connection:
            return [str(found) for (found,) in connection.execute(f"select id from {table}")]  # noqa: S608

    def read_jobs(self) -> Counter[str]:
        """The ids of all messages; nobody takes them."""
        texts = self.redis.lrange("celery", 0, -1)
        return Counter(json.loads(text)["properties"]["correlation_id"] for text in texts)

    def close(self) -> None:
        self.application.kill()
        self.workers.stop()
        self.redis.close()


def find_path() -> str:
    return os.pathsep.join(sys.path)


@pytest.fixture
def victims(database: str, postgres: PostgresServer, tmp_path: Path) -> Iterator[Victims]:
    with psycopg.connect(database) as connection:
        connection.execute(orderer.SCHEMA)
        connection.execute("truncate committed")
    with EmbeddedValkey(tmp_path / "valkey", find_free_port()) as valkey:
        victims = Victims(postgres, valkey, tmp_path)
        yield victims
        victims.close()


@pytest.mark.timeout(120 + 20 * KILLS)
def test_whatever_is_killed_jobs_are_exactly_what_was_committed(victims: Victims) -> None:
    chance = random.Random(KILLS)  # noqa: S311 - no secret
    wait_until(lambda: victims.redis.llen("celery") > 0, 60)

    for number in range(KILLS):
        before = victims.redis.llen("celery")
        threading.Event().wait(chance.uniform(0, MAX_PAUSE_SECONDS))
        victims.kill(number)
        wait_until(lambda before=before: victims.redis.llen("celery") > before, 60)  # type: ignore[misc]
    victims.settle()

    jobs = victims.read_jobs()
    committed = set(victims.read_ids("committed"))
    assert len(committed) > 10 * KILLS
    assert {job for job, count in jobs.items() if count > 1} == set()
    assert committed - jobs.keys() == set()
    assert jobs.keys() - committed == set()
    assert victims.read_ids("continuo_outbox_refused") == []
    log.info("%d kills: %d committed, %d jobs", KILLS, len(committed), len(jobs))

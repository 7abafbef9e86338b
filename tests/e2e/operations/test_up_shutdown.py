"""The whole system is stopped, killed and started again on the same data."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
import redis

from project.celery import create_app
from project.settings.values import Settings
from tests.support.programs.processes import list_children
from tests.support.programs.system import System
from tests.support.waiting import wait_until

FAULTY = {"CONTINUO_FAULT_RATE": "1"}
DRAIN_SECONDS = 3
MARGIN = 10
"""Seconds that the other processes may take to end after the supervisor is killed."""
LATER = {"delay": 3600}
MONTHLY = {"type": "monthly", "filters": {"department": "design", "month": "2026-04"}}


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system for these tests; each test starts it if it does not run."""
    own = System(tmp_path_factory.mktemp("own"))
    yield own
    own.close()


def run(system: System, **environment: str) -> None:
    if not (system.program and system.program.is_running):
        given = {"DRAIN_SECONDS": str(DRAIN_SECONDS), "LEASE_SECONDS": "2"}
        system.start(VALKEY_FSYNC="always", **given, **environment)


def find_valkey_pid(system: System) -> int:
    """The process id of the bundled Valkey."""
    assert system.program
    (pid,) = (
        pid
        for pid in list_children(system.program.pid)
        if "valkey" in Path(f"/proc/{pid}/exe").readlink().name
    )
    return pid


def test_a_report_that_fails_on_purpose_names_the_reason(own_system: System) -> None:
    run(own_system, **FAULTY)

    ordered = own_system.order("/reports", {"max_retries": 1})
    done = own_system.wait_until_final("/reports", ordered["id"])

    assert (done["status"], done["attempts"], done["result"]) == ("failed", 1, None)
    assert "Upstream data service timed out (simulated)" in done["error"]


def test_records_and_waiting_jobs_survive_a_stop_and_a_start(own_system: System) -> None:
    run(own_system, **FAULTY)
    blast = own_system.order("/emails", {"recipients": ["ada@example.com"]})
    sent = own_system.wait_until_final("/emails", blast["id"])
    jobs = [own_system.order("/reports", MONTHLY)["id"] for _ in range(3)]
    wait_until(lambda: own_system.record("/reports", jobs[0])["attempts"] == 1)
    later = create_app(Settings(redis_url=own_system.redis_url)).send_task(
        "report", kwargs={"type": "summary", "filters": {}}, countdown=3600
    )
    assert own_system.stop() == 0
    assert own_system.processes() == []

    run(own_system)
    assert own_system.record("/emails", blast["id"]) == sent
    assert own_system.record("/reports", later.id)["status"] == "pending"

    done = [own_system.wait_until_final("/reports", job_id) for job_id in jobs]
    assert {record["status"] for record in done} == {"success"}
    assert done[0]["attempts"] > 1

    with redis.Redis.from_url(own_system.redis_url) as client:
        client.zadd("continuo:scheduled", {later.id: 1})
    assert own_system.wait_until_final("/reports", later.id)["status"] == "success"


def test_a_killed_valkey_comes_back_with_its_data(own_system: System) -> None:
    run(own_system)
    done = own_system.wait_until_final(
        "/emails", own_system.order("/emails", {"recipients": []})["id"]
    )
    waiting = [own_system.order("/reports", MONTHLY)["id"] for _ in range(3)]
    killed = find_valkey_pid(own_system)

    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: own_system.is_ready() and find_valkey_pid(own_system) != killed)

    assert own_system.record("/emails", done["id"]) == done
    assert {own_system.wait_until_final("/reports", job_id)["status"] for job_id in waiting} == {
        "success"
    }


def post_with_key(system: System, key: str) -> httpx2.Response | None:
    """The answer to the same order; None while the API does not answer."""
    with suppress(httpx2.TransportError):
        answer = system.http.post("/reports", json=LATER, headers={"Idempotency-Key": key})
        return answer if answer.status_code == 202 else None
    return None


def test_a_hundred_identical_orders_are_one_job_even_when_the_api_is_killed_between_them(
    own_system: System,
) -> None:
    run(own_system)
    before, api, key = own_system.stats()["total_tasks"], own_system.api(), uuid4().hex

    def send(number: int) -> httpx2.Response:
        if number == 40:
            os.kill(api, signal.SIGKILL)
        answer = wait_until(lambda: post_with_key(own_system, key), 30)
        assert answer
        return answer

    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(send, range(100)))
    wait_until(lambda: own_system.api() not in {0, api} and own_system.is_ready())

    assert len({answer.text for answer in answers}) == 1
    assert own_system.stats()["total_tasks"] == before + 1


def test_a_killed_supervisor_leaves_no_process_and_no_job_behind(own_system: System) -> None:
    run(own_system)
    jobs = [own_system.order("/reports", MONTHLY)["id"] for _ in range(4)]
    assert own_system.program
    assert len(own_system.processes()) > 5

    own_system.program.send(signal.SIGKILL)
    own_system.program.wait()
    wait_until(lambda: own_system.processes() == [], DRAIN_SECONDS + MARGIN)
    run(own_system)

    assert {own_system.wait_until_final("/reports", job_id)["status"] for job_id in jobs} == {
        "success"
    }

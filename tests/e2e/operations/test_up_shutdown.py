"""The whole system stopped, killed and started again on the same data."""

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

from project.celery import application
from project.settings.values import Settings
from tests.support.processes import children
from tests.support.system import House
from tests.support.waiting import until

FAULTY = {"CONTINUO_FAULT_RATE": "1"}
DRAIN_SECONDS = 3
MARGIN = 10
"""Seconds the others may take to see that the supervisor is gone, and to end."""
LATER = {"delay": 3600}
MONTHLY = {"type": "monthly", "filters": {"department": "design", "month": "2026-04"}}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A system for these tests alone; each of them starts it when it does not run."""
    own = House(tmp_path_factory.mktemp("own"))
    yield own
    own.close()


def run(house: House, **environment: str) -> None:
    if not (house.program and house.program.is_running):
        given = {"DRAIN_SECONDS": str(DRAIN_SECONDS), "LEASE_SECONDS": "2"}
        house.start(VALKEY_FSYNC="always", **given, **environment)


def served_by(house: House) -> int:
    """The process id of the bundled Valkey."""
    assert house.program
    (pid,) = (
        pid
        for pid in children(house.program.pid)
        if "valkey" in Path(f"/proc/{pid}/exe").readlink().name
    )
    return pid


def test_a_report_that_fails_on_purpose_says_so(own: House) -> None:
    run(own, **FAULTY)
    ordered = own.order("/reports", {"max_retries": 1})
    done = own.final("/reports", ordered["id"])
    assert (done["status"], done["attempts"], done["result"]) == ("failed", 1, None)
    assert "Upstream data service timed out (simulated)" in done["error"]


def test_records_and_waiting_jobs_survive_a_stop_and_a_start(own: House) -> None:
    run(own, **FAULTY)
    blast = own.order("/emails", {"recipients": ["ada@example.com"]})
    sent = own.final("/emails", blast["id"])
    jobs = [own.order("/reports", MONTHLY)["id"] for _ in range(3)]
    until(lambda: own.record("/reports", jobs[0])["attempts"] == 1)
    later = application(Settings(redis_url=own.redis_url)).send_task(
        "report", kwargs={"type": "summary", "filters": {}}, countdown=3600
    )
    assert own.stop() == 0
    assert own.processes() == []
    run(own)
    assert own.record("/emails", blast["id"]) == sent
    assert own.record("/reports", later.id)["status"] == "pending"
    done = [own.final("/reports", job_id) for job_id in jobs]
    assert {record["status"] for record in done} == {"success"}
    assert done[0]["attempts"] > 1
    with redis.Redis.from_url(own.redis_url) as client:
        client.zadd("continuo:scheduled", {later.id: 1})
    assert own.final("/reports", later.id)["status"] == "success"


def test_a_killed_valkey_comes_back_with_its_data(own: House) -> None:
    run(own)
    done = own.final("/emails", own.order("/emails", {"recipients": []})["id"])
    waiting = [own.order("/reports", MONTHLY)["id"] for _ in range(3)]
    killed = served_by(own)
    os.kill(killed, signal.SIGKILL)
    until(lambda: own.is_ready() and served_by(own) != killed)
    assert own.record("/emails", done["id"]) == done
    assert {own.final("/reports", job_id)["status"] for job_id in waiting} == {"success"}


def answer_to(house: House, key: str) -> httpx2.Response | None:
    """What the same order is answered; None while nobody answers."""
    with suppress(httpx2.TransportError):
        answer = house.http.post("/reports", json=LATER, headers={"Idempotency-Key": key})
        return answer if answer.status_code == 202 else None
    return None


def test_the_same_order_a_hundred_times_is_one_job_also_when_the_api_is_killed_among_them(
    own: House,
) -> None:
    run(own)
    before, api, key = own.stats()["total_tasks"], own.api(), uuid4().hex

    def send(number: int) -> httpx2.Response:
        if number == 40:
            os.kill(api, signal.SIGKILL)
        answer = until(lambda: answer_to(own, key), 30)
        assert answer
        return answer

    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(send, range(100)))
    until(lambda: own.api() not in {0, api})
    assert len({answer.text for answer in answers}) == 1
    assert own.stats()["total_tasks"] == before + 1


def test_a_killed_supervisor_leaves_no_process_and_no_job_behind(own: House) -> None:
    run(own)
    jobs = [own.order("/reports", MONTHLY)["id"] for _ in range(4)]
    assert own.program
    assert len(own.processes()) > 5
    own.program.send(signal.SIGKILL)
    own.program.wait()
    until(lambda: own.processes() == [], DRAIN_SECONDS + MARGIN)
    run(own)
    assert {own.final("/reports", job_id)["status"] for job_id in jobs} == {"success"}

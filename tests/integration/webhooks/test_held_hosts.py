"""A host that asks for a pause, with a real worker."""

import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from project.celery import app
from project.store.commands import callbacks, switches
from tasks.webhooks import call_webhook
from tests.support.apps.kinds import add
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.servers.scripted_http import (
    LISTEN_ADDRESS,
    OK_RESPONSE,
    ScriptedHttpServer,
    build_response,
    respond_with,
)
from tests.support.waiting import wait_until

HOLD = f"host:{LISTEN_ADDRESS}"


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    return worker_pool.start(
        "--concurrency=2", CONTINUO_WEBHOOK_ALLOW=f"{LISTEN_ADDRESS}/32"
    ).ready()


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    yield
    app.store.run(switches.delete_switch(HOLD))


def order(**said: Any) -> str:
    job_id: str = call_webhook.apply_async(kwargs=said).id
    return job_id


def find_hold() -> float:
    """The seconds for which the host is held."""
    found = app.store.run(switches.list_switches())
    return (found[HOLD].switch.until or 0) - time.time()


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("said", ["seconds", "date", "too long"])
def test_a_pause_that_a_host_asks_for_holds_all_its_calls_and_is_no_attempt(
    worker: WorkerProgram,
    inspector: JobInspector,
    server: ScriptedHttpServer,
    status: int,
    said: str,
) -> None:
    values = {"seconds": "120", "date": formatdate(time.time() + 120, usegmt=True)}
    refusal = build_response(status, Retry_After=values.get(said, "99999"))
    server.plan = respond_with(refusal, OK_RESPONSE)

    first = order(url=f"{server.url}first")
    wait_until(lambda: HOLD in app.store.run(switches.list_switches()))
    second = order(url=f"{server.url}second")
    wait_until(lambda: inspector.record(second).held_by == HOLD)

    assert server.connections == 1
    assert inspector.record(first).attempts == 0
    assert inspector.record(first).held_by == HOLD
    expected = 3_600 if said == "too long" else 120
    assert find_hold() == pytest.approx(expected, abs=5)
    app.store.run(switches.delete_switch(HOLD))
    done = [inspector.wait_until_final(job_id) for job_id in (first, second)]
    assert [(each.status, each.attempts) for each in done] == [("success", 1)] * 2


def test_calls_go_on_when_the_pause_is_over(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(429, Retry_After="1"), OK_RESPONSE)

    done = inspector.wait_until_final(order(url=server.url))

    assert (done.status, done.attempts, server.connections) == ("success", 1, 2)
    assert (done.started_at or 0) - done.created_at >= 1


def test_callbacks_wait_for_the_same_host(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(503, Retry_After="600"), OK_RESPONSE)
    job_id = add.apply_async((1, 2), callback_url=server.url).id
    wait_until(lambda: HOLD in app.store.run(switches.list_switches()))
    call = order(url=server.url)
    wait_until(lambda: inspector.record(call).held_by == HOLD)

    app.store.run(switches.delete_switch(HOLD))

    delivery = app.store.run(callbacks.read_last_delivery_id(job_id))
    done = [inspector.wait_until_final(each) for each in (delivery, call)]
    assert [(each.status, each.attempts) for each in done] == [("success", 1)] * 2


@pytest.mark.parametrize("status", [429, 500])
def test_without_a_pause_only_the_job_waits(
    worker: WorkerProgram,
    inspector: JobInspector,
    server: ScriptedHttpServer,
    status: int,
) -> None:
    server.plan = respond_with(build_response(status, Retry_After="0"))

    between = inspector.wait_for_attempts(order(url=server.url), 1)

    assert between.status == "retrying"
    assert app.store.run(switches.list_switches()) == {}

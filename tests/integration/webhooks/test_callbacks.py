"""Whoever wanted to be told how a job ends is told, by real workers, on real servers."""

import base64
import hmac
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from project.celery import app
from project.errors import InvalidField
from project.records.record import TaskRecord
from project.store.client import Store
from project.store.commands import callbacks, queries, statistics
from project.store.commands.queries import RecordFilter
from tasks.webhooks import deliveries
from tests.support.apps.kinds import add, die, flaky, hopeless
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.servers.scripted_http import (
    LISTEN_ADDRESS,
    OK_RESPONSE,
    ReceivedRequest,
    ScriptedHttpServer,
    build_response,
    respond_with,
)
from tests.support.waiting import wait_until

SECRETS = ["whsec_" + base64.b64encode(bytes([number] * 24)).decode() for number in (1, 2)]


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    return start_worker(worker_pool)


def start_worker(workers: Workers) -> WorkerProgram:
    secrets = ",".join(SECRETS)
    allowed = f"{LISTEN_ADDRESS}/32"
    return workers.start(CONTINUO_WEBHOOK_ALLOW=allowed, CONTINUO_WEBHOOK_SECRETS=secrets).ready()


@pytest.fixture
def servers() -> Iterator[Callable[[], ScriptedHttpServer]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(ScriptedHttpServer())


def delivery(inspector: JobInspector, job_id: str) -> TaskRecord:
    """The record of the delivery that tells of a job."""
    inspector.wait_until_final(job_id)
    return inspector.record(app.store.run(callbacks.read_last_delivery_id(job_id)))


def parse_callback(request: ReceivedRequest) -> dict[str, Any]:
    """What a callback says, when both of its signatures are right."""
    name, at, signatures = (
        request.headers[f"webhook-{part}"] for part in ("id", "timestamp", "signature")
    )
    content = f"{name}.{at}.".encode() + request.body
    for secret, signature in zip(SECRETS, signatures.split(), strict=True):
        key = base64.b64decode(secret.removeprefix("whsec_"))
        assert signature == "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    event: dict[str, Any] = json.loads(request.body)
    return event


def test_the_callback_of_a_success_is_signed_and_has_the_record(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    url = f"{server.url}done?token=query-of-secrets"
    job_id = add.apply_async((2, 3), callback_url=url).id
    last = inspector.wait_until_final(delivery(inspector, job_id).id)
    (request,) = server.requests
    assert request.line == "POST /done?token=query-of-secrets HTTP/1.1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["webhook-id"] == last.id

    event = parse_callback(request)
    record = inspector.record(job_id).to_dict()
    del record["errors"]  # too much for a message

    assert (event["type"], event["data"]) == ("task.success", record)
    assert event["timestamp"].endswith("Z")
    assert last.kind == "callback"
    assert (last.status, last.attempts, last.max_retries) == ("success", 1, 10)
    assert (last.result["task_id"], last.result["type"]) == (job_id, "task.success")
    assert "query-of-secrets" not in worker.output + json.dumps(last.to_dict())


def test_failed_and_cancelled_jobs_get_their_callbacks(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    failed = hopeless.apply_async(callback_url=server.url)
    waiting = add.apply_async((1, 1), countdown=600, callback_url=server.url)
    waiting.cancel()
    for job in (failed, waiting):
        inspector.wait_until_final(delivery(inspector, job.id).id)

    events = {event["data"]["id"]: event for event in map(parse_callback, server.requests)}

    assert events[failed.id]["type"] == "task.failed"
    assert "there is no such template" in events[failed.id]["data"]["error"]
    assert events[waiting.id]["type"] == "task.cancelled"


def test_jobs_that_kill_their_process_or_expire_get_their_callbacks(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    poison = die.apply_async(callback_url=server.url)
    late = add.apply_async((1, 1), expires=-1, callback_url=server.url)
    for job in (poison, late):
        inspector.wait_until_final(delivery(inspector, job.id).id)

    events = {event["data"]["id"]: event for event in map(parse_callback, server.requests)}

    assert [events[job.id]["type"] for job in (poison, late)] == ["task.failed"] * 2


def test_a_job_with_several_attempts_gets_its_callback_at_its_end(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    job = flaky.apply_async((1,), callback_url=server.url)
    inspector.wait_for_attempts(job.id, 1)
    assert app.store.run(callbacks.read_last_delivery_id(job.id)) == ""

    inspector.make_due(job.id)
    inspector.wait_until_final(delivery(inspector, job.id).id)
    assert [parse_callback(request)["type"] for request in server.requests] == ["task.success"]


@pytest.mark.parametrize("status", [301, 401, 404, 422, 500, 503])
def test_every_failed_delivery_is_retried_with_the_same_id(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer, status: int
) -> None:
    server.plan = respond_with(build_response(status, Location="http://127.0.0.1/"), OK_RESPONSE)
    first = delivery(inspector, add.apply_async((1, 1), callback_url=server.url).id)
    between = inspector.wait_for_attempts(first.id, 1)
    assert between.status == "retrying"
    assert 4.5 < (inspector.find_due_time(first.id) or 0) - between.updated_at < 6.5

    inspector.make_due(first.id)
    assert inspector.wait_until_final(first.id).attempts == 2
    assert {request.headers["webhook-id"] for request in server.requests} == {first.id}


def test_a_delivery_is_retried_when_the_server_asks_for_it(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(500, Retry_After="1000"), OK_RESPONSE)

    first = delivery(inspector, add.apply_async((1, 1), callback_url=server.url).id)
    between = inspector.wait_for_attempts(first.id, 1)

    assert 999 < (inspector.find_due_time(first.id) or 0) - between.updated_at < 1_201


def test_a_delivery_is_attempted_for_days_before_it_fails(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(500))
    first = delivery(inspector, add.apply_async((1, 1), callback_url=server.url).id)
    for attempt, delay in enumerate(deliveries.RETRY_DELAYS_SECONDS, start=1):
        between = inspector.wait_for_attempts(first.id, attempt)
        assert (
            delay - 1
            < (inspector.find_due_time(first.id) or 0) - between.updated_at
            < delay * 1.2 + 1
        )
        inspector.make_due(first.id)
    assert (inspector.wait_until_final(first.id).status, len(server.requests)) == ("failed", 10)

    inspector.app.AsyncResult(first.id).rerun()
    between = inspector.wait_for_attempts(first.id, 11)
    assert 4.5 < (inspector.find_due_time(first.id) or 0) - between.updated_at < 6.5


def test_a_successful_delivery_can_be_sent_again_with_its_id(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    first = delivery(inspector, add.apply_async((1, 1), callback_url=server.url).id)
    inspector.wait_until_final(first.id)
    assert inspector.app.AsyncResult(first.id).rerun()

    wait_until(lambda: len(server.requests) == 2)
    assert {request.headers["webhook-id"] for request in server.requests} == {first.id}
    assert inspector.wait_until_final(first.id).attempts == 2


def test_a_url_that_answers_410_gets_no_callbacks_until_it_is_enabled(
    worker: WorkerProgram, inspector: JobInspector, servers: Callable[[], ScriptedHttpServer]
) -> None:
    gone, other = servers(), servers()
    gone.plan = respond_with(build_response(410), OK_RESPONSE)
    first = delivery(inspector, add.apply_async((1, 1), callback_url=gone.url).id)
    last = inspector.wait_until_final(first.id)
    assert (last.status, last.attempts) == ("failed", 1)
    assert "answered 410: it gets no callbacks until POST /callbacks/enable" in last.error
    assert [url for url, _ in app.store.run(callbacks.list_disabled_urls(10))] == [gone.url]

    second = delivery(inspector, add.apply_async((1, 1), callback_url=gone.url).id)
    assert inspector.wait_until_final(second.id).status == "failed"
    assert (
        inspector.wait_until_final(
            delivery(inspector, add.apply_async((1, 1), callback_url=other.url).id).id
        ).status
        == "success"
    )
    assert (len(gone.requests), len(other.requests)) == (1, 1)

    assert app.store.run(callbacks.enable_url(gone.url))
    assert not app.store.run(callbacks.enable_url(gone.url))
    assert inspector.app.AsyncResult(second.id).rerun()

    wait_until(lambda: len(gone.requests) == 2)
    assert inspector.wait_until_final(second.id).status == "success"


def test_a_worker_killed_after_the_end_of_a_job_loses_no_delivery(
    workers: Workers, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    first, arrived = start_worker(workers), []

    def plan(talk: Any, request: ReceivedRequest) -> None:
        arrived.append(request)
        if len(arrived) == 1:
            first.send(signal.SIGKILL)
            talk.drip(b"")
        talk.send(OK_RESPONSE)

    server.plan = plan
    job = add.apply_async((1, 1), callback_url=server.url)
    wait_until(lambda: not first.is_running)
    assert inspector.record(job.id).status == "success"

    start_worker(workers)
    last = inspector.wait_until_final(delivery(inspector, job.id).id, 30)
    assert (last.status, last.interruptions, len(arrived)) == ("success", 1, 2)
    assert len({request.headers["webhook-id"] for request in arrived}) == 1


def test_every_job_that_ends_while_workers_are_killed_gets_its_callback(
    workers: Workers, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    jobs = [add.apply_async((1, 1), callback_url=server.url).id for _ in range(60)]
    for seen in (10, 25, 40):
        worker = start_worker(workers)
        wait_until(lambda seen=seen: len(server.requests) >= seen)
        worker.kill()
    start_worker(workers)
    for job_id in jobs:
        assert inspector.wait_until_final(delivery(inspector, job_id).id, 30).status == "success"

    ids = {
        event["data"]["id"]: request.headers["webhook-id"]
        for request in server.requests
        for event in [parse_callback(request)]
    }
    assert ids == {job_id: delivery(inspector, job_id).id for job_id in jobs}
    assert app.store.run(queries.list_page(RecordFilter(kinds=["callback"]), limit=1)).total == 60


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "ftp://a.example/", "", "http://10.0.0.1/"])
def test_an_order_with_a_forbidden_callback_url_is_refused(store: Store, url: str) -> None:
    for options in ({}, {"priority": 9}):
        with pytest.raises(InvalidField, match=r"^callback_url: "):
            add.apply_async((1, 1), callback_url=url, **options)

    assert store.run(statistics.read_stats()).total_tasks == 0


@pytest.mark.parametrize("options", [{}, {"priority": 9}, {"countdown": 0.01}])
def test_the_message_of_a_job_does_not_carry_its_callback(
    store: Store, options: dict[str, Any]
) -> None:
    url = f"http://{LISTEN_ADDRESS}/hook-of-secrets"
    job = add.apply_async((1, 1), callback_url=url, **options)
    assert "callback" in {field.decode() for field in store.client.hkeys(f"continuo:job:{job.id}")}

    queued = store.client.keys("celery*")
    texts = [text for key in queued for text in store.client.lrange(key, 0, -1)]
    texts.append(store.client.hget(f"continuo:job:{job.id}", "message") or b"")

    assert [text for text in texts if b"callback" in text or b"hook-of-secrets" in text] == []

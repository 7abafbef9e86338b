"""Calls by a real worker, and the secrets that they keep."""

import json
import threading
import traceback
from typing import Any

import pytest

from project.celery import app
from project.errors import InvalidField, PermanentError, TransientError
from project.records.record import TaskRecord
from tasks.webhooks import call_webhook
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.servers.scripted_http import (
    LISTEN_ADDRESS,
    OK_RESPONSE,
    HttpPlan,
    ReceivedRequest,
    ScriptedHttpHandler,
    ScriptedHttpServer,
    build_response,
    respond_with,
)
from tests.support.webhook_calls import make_call

SECRETS = ("Bearer-of-secrets", "query-of-secrets", "body-of-secrets")


def repeats(status: int) -> HttpPlan:
    """An answer that says all that was asked, as it was and as JSON."""

    def repeat(talk: ScriptedHttpHandler, request: ReceivedRequest) -> None:
        told = {"line": request.line, "headers": request.headers, "body": request.body.decode()}
        body = json.dumps(told).encode() + request.raw
        talk.send(build_response(status, body, Server=request.headers["Authorization"]))

    return repeat


def repeats_raw(talk: ScriptedHttpHandler, request: ReceivedRequest) -> None:
    """The request itself in place of an answer."""
    talk.send(request.raw)


def with_secrets(server: ScriptedHttpServer) -> dict[str, Any]:
    """A call that says a secret wherever there is place for one."""
    header, query, body = SECRETS
    return {
        "url": f"{server.url}?token={query}",
        "headers": {"Authorization": f"Basic {header}"},
        "body": {"password": body},
    }


@pytest.mark.parametrize(
    "plan", [repeats(200), repeats(404), repeats(503), repeats_raw], ids=["ok", "4xx", "5xx", "raw"]
)
def test_secrets_that_the_server_repeats_are_not_in_the_record(
    server: ScriptedHttpServer, plan: HttpPlan
) -> None:
    server.plan = plan

    try:
        said = json.dumps(make_call(**with_secrets(server)))
    except (PermanentError, TransientError) as error:
        said = "".join(traceback.format_exception(error))

    assert server.requests
    assert [secret for secret in SECRETS if secret in said] == []


@pytest.fixture(scope="module")
def worker(worker_pool: Workers) -> WorkerProgram:
    """It tells all it can, to see that no secret is among it."""
    return worker_pool.start(
        "--loglevel=DEBUG", CONTINUO_WEBHOOK_ALLOW=f"{LISTEN_ADDRESS}/32"
    ).ready()


def order(**said: Any) -> str:
    job_id: str = call_webhook.apply_async(kwargs=said).id
    return job_id


def wait_for(inspector: JobInspector, record: TaskRecord) -> float:
    """The seconds from the end of the last attempt to the next."""
    return (inspector.find_due_time(record.id) or 0) - record.updated_at


def test_a_server_that_recovers_gets_the_call_again_with_the_same_idempotency_key(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(503, b"full"), OK_RESPONSE)
    job_id = order(url=server.url)
    between = inspector.wait_for_attempts(job_id, 1)
    assert "answered 503: full" in between.error
    assert wait_for(inspector, between) == pytest.approx(2, abs=0.1)

    inspector.make_due(job_id)
    done = inspector.wait_until_final(job_id)
    assert (done.status, done.attempts, done.result["body"]) == ("success", 2, "ok")
    assert [request.headers["Idempotency-Key"] for request in server.requests] == [job_id] * 2


@pytest.mark.parametrize(("said", "seconds"), [("120", 120), ("1", 2), ("99999", 3_600)])
def test_retry_after_can_only_lengthen_the_delay(
    worker: WorkerProgram,
    inspector: JobInspector,
    server: ScriptedHttpServer,
    said: str,
    seconds: float,
) -> None:
    server.plan = respond_with(build_response(500, Retry_After=said), OK_RESPONSE)
    job_id = order(url=server.url)
    between = inspector.wait_for_attempts(job_id, 1)
    assert between.status == "retrying"
    assert wait_for(inspector, between) == pytest.approx(seconds, abs=0.5)

    inspector.make_due(job_id)
    assert inspector.wait_until_final(job_id).status == "success"


def test_a_server_that_always_sends_retry_after_gets_the_usual_attempts(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(500, Retry_After="60"))
    job_id = order(url=server.url)

    for attempt in (1, 2):
        inspector.wait_for_attempts(job_id, attempt)
        inspector.make_due(job_id)
    last = inspector.wait_until_final(job_id)

    assert (last.status, last.attempts, server.connections) == ("failed", 3, 3)
    assert last.error.startswith("Traceback")
    assert "answered 500" in last.error


def test_a_refusal_is_final(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(422, b"no such customer"))
    last = inspector.wait_until_final(order(url=server.url))

    assert (last.status, last.attempts) == ("failed", 1)
    assert "answered 422: no such customer" in last.error


def test_a_host_name_with_an_internal_address_fails_for_good_without_a_connection(
    worker: WorkerProgram, inspector: JobInspector, elsewhere: ScriptedHttpServer
) -> None:
    last = inspector.wait_until_final(order(url=f"http://localhost:{elsewhere.port}/"))
    assert (last.status, last.attempts, elsewhere.connections) == ("failed", 1, 0)
    assert "localhost is not on the public internet" in last.error


def test_an_invalid_call_fails_for_good(worker: WorkerProgram, inspector: JobInspector) -> None:
    wrong = {"url": "http://127.1/", "method": "POST"}
    with pytest.raises(InvalidField, match="url: its host must be a name"):
        order(**wrong)

    last = inspector.wait_until_final(app.send_task("webhook", kwargs=wrong).id)

    assert (last.status, last.attempts) == ("failed", 1)
    assert "url: its host must be a name" in last.error


@pytest.mark.parametrize("status", [200, 404, 503])
def test_secrets_are_in_no_record_and_no_log(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer, status: int
) -> None:
    server.plan = repeats(status)
    job_id = order(**with_secrets(server))
    record = inspector.wait_for_attempts(job_id, 1)

    said = [json.dumps(record.to_dict()), worker.output]

    assert server.requests
    assert [secret for secret in SECRETS for text in said if secret in text] == []


def test_secrets_are_not_in_the_readable_part_of_messages(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    server.plan = respond_with(build_response(503))
    said = with_secrets(server)
    job_id = order(**said)
    inspector.wait_for_attempts(job_id, 1)
    again = str(inspector.redis.hget(f"continuo:job:{job_id}", "message"))
    for message in (call_webhook.message(kwargs=said).text, again):
        headers = json.loads(message)["headers"]
        assert [secret for secret in SECRETS if secret in json.dumps(headers)] == []
        assert headers["kwargsrepr"]


def test_secrets_are_not_in_what_a_worker_reports_about_a_running_job(
    worker: WorkerProgram, inspector: JobInspector, server: ScriptedHttpServer
) -> None:
    asked = threading.Event()

    def think(talk: ScriptedHttpHandler, _: ReceivedRequest) -> None:
        asked.set()
        talk.drip(b"")

    server.plan = think
    order(**with_secrets(server), timeout=30)
    assert asked.wait(15)

    active = repr(inspector.app.control.inspect(timeout=5, limit=1).active())
    assert "webhook" in active
    assert [secret for secret in SECRETS if secret in active] == []

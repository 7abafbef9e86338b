"""What a worker logs as JSON lines, and for whom."""

import json
from typing import Any

from project.local.valkey import EmbeddedValkey
from project.messages.trace_context import TRACE_HEADERS
from tests.support.apps import kinds
from tests.support.programs.api_process import start_api
from tests.support.programs.api_process import wait_until_reachable as served
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until


def lines(worker: WorkerProgram, job_id: str) -> list[dict[str, Any]]:
    """The lines about a job; every line that is no part of the banner has to be JSON."""
    said = [json.loads(line) for line in worker.output.splitlines() if line.startswith("{")]
    return [line for line in said if line.get("job") == job_id]


def list_attempts(worker: WorkerProgram, job_id: str) -> set[int]:
    """The attempts of a job that have lines."""
    return {line["attempt"] for line in lines(worker, job_id) if "attempt" in line}


def test_each_log_line_about_a_job_has_its_attempt_and_its_request(
    workers: Workers, inspector: JobInspector
) -> None:
    worker = workers.start(CONTINUO_LOG_FORMAT="json").ready()
    token = TRACE_HEADERS.set({"request_id": "order-7"})
    try:
        job = kinds.flaky.delay(1)
    finally:
        TRACE_HEADERS.reset(token)
    inspector.wait_for_attempts(job.id, 1)
    inspector.make_due(job.id)
    inspector.wait_until_final(job.id)
    wait_until(lambda: [line for line in lines(worker, job.id) if "succeeded" in line["message"]])
    # another process may log its attempt later
    wait_until(lambda: list_attempts(worker, job.id) == {1, 2})
    about = lines(worker, job.id)
    assert {line["kind"] for line in about} == {"tests.flaky"}

    attempts = [line for line in about if "attempt" in line]
    assert {line["request_id"] for line in attempts} == {"order-7"}
    assert {line["process"] for line in attempts} <= set(worker.processes())


def test_a_traceback_is_part_of_the_json_line_of_its_error(
    workers: Workers, inspector: JobInspector
) -> None:
    worker = workers.start(CONTINUO_LOG_FORMAT="json").ready()
    inspector.wait_until_final(kinds.hopeless.delay().id)
    wait_until(lambda: "traceback" in worker.output)
    plain = ("[2", "Traceback", "  File")

    assert [line for line in worker.output.splitlines() if line.startswith(plain)] == []


def test_the_request_id_of_the_client_is_in_the_log_of_the_worker(
    workers: Workers, inspector: JobInspector, valkey: EmbeddedValkey
) -> None:
    worker = workers.start(CONTINUO_LOG_FORMAT="json", CONTINUO_FAULT_RATE="1").ready()
    with start_api("api.app:build", REDIS_URL=valkey.url) as api:
        served(lambda: api.get("/health/ready").status_code == 200)
        order = {"tasks": [{"kind": "report", "type": "summary", "max_retries": 1}]}
        single = api.post("/reports", json={"max_retries": 1}, headers={"X-Request-ID": "mine-1"})
        assert single.headers["x-request-id"] == "mine-1"
        bulk = api.post("/tasks/bulk", json=order, headers={"X-Request-ID": "mine-2"})
    ids = {"mine-1": single.json()["id"], "mine-2": bulk.json()["tasks"][0]["task"]["id"]}
    for request_id, job_id in ids.items():
        inspector.wait_until_final(job_id)
        wait_until(
            lambda job_id=job_id: [line for line in lines(worker, job_id) if "attempt" in line]
        )
        assert {line["request_id"] for line in lines(worker, job_id) if "attempt" in line} == {
            request_id
        }

"""One trace from the request through each attempt to the callback, with a real API and worker."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from project.local.valkey import EmbeddedValkey
from project.messages.trace_context import TRACE_HEADERS
from tests.support.apps import kinds
from tests.support.opentelemetry_packages import ensure_installed
from tests.support.programs.api_process import ApiProcess, start_api
from tests.support.programs.api_process import wait_until_reachable as served
from tests.support.programs.processes import Program
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.servers.otlp_collector import Collector, run_collector
from tests.support.waiting import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
GIVEN = f"00-{TRACE}-{PARENT}-01"
HERE = {"CONTINUO_WEBHOOK_ALLOW": "127.0.0.0/8"}
SOON = "100"
LATE = "60000"
"""Milliseconds until spans are sent."""


def sending(to: str, delay: str = SOON) -> dict[str, str]:
    """The environment of what sends its spans there."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": to,
        "OTEL_BSP_SCHEDULE_DELAY": delay,
        "PYTHONPATH": str(ensure_installed()),
    }


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.syspath_prepend(ensure_installed())  # for what reads the spans
    with run_collector() as collector:
        yield collector


@pytest.fixture
def about(collector: Collector) -> dict[str, str]:
    return sending(collector.url)


@pytest.fixture
def worker(workers: Workers, about: dict[str, str]) -> WorkerProgram:
    """A worker whose reports fail and that may call back to this machine."""
    return workers.start(**about, **HERE, CONTINUO_FAULT_RATE="1").ready()


@pytest.fixture
def api(
    worker: WorkerProgram, valkey: EmbeddedValkey, about: dict[str, str]
) -> Iterator[ApiProcess]:
    with start_api("api.app:build", REDIS_URL=valkey.url, **about, **HERE) as api:
        served(lambda: api.get("/health/ready").status_code == 200)
        yield api


def test_a_request_its_attempts_and_its_callback_are_one_trace(
    api: ApiProcess, collector: Collector, inspector: JobInspector
) -> None:
    order = {"max_retries": 2, "callback_url": f"{collector.url}/done"}
    headers = {"traceparent": GIVEN, "X-Request-ID": "order-7"}
    job_id = api.post("/reports", json=order, headers=headers).json()["id"]
    inspector.wait_for_attempts(job_id, 1)
    inspector.make_due(job_id)
    assert inspector.wait_until_final(job_id).status == "failed"

    wait_until(lambda: collector.find_spans("run callback"))
    wait_until(lambda: len(collector.find_spans("run report")) == 2)
    wait_until(lambda: collector.find_spans("POST /reports"))
    (request,) = collector.find_spans("POST /reports")
    assert (request.trace, request.parent) == (TRACE, PARENT)
    assert request.attributes["http.response.status_code"] == 202
    assert not request.failed

    first, second = collector.find_spans("run report")
    (delivery,) = collector.find_spans("run callback")
    for attempt in (first, second, delivery):
        assert (attempt.trace, attempt.parent) == (TRACE, request.id)
        assert attempt.attributes["continuo.request_id"] == "order-7"
        assert attempt.service == "continuo"
    assert [attempt.attributes["messaging.message.id"] for attempt in (first, second)] == [
        job_id
    ] * 2
    assert [attempt.attributes["continuo.attempt"] for attempt in (first, second)] == [1, 2]

    outcomes = [attempt.attributes["continuo.outcome"] for attempt in (first, second, delivery)]
    assert outcomes == ["retrying", "failed", "success"]
    assert [attempt.failed for attempt in (first, second, delivery)] == [True, True, False]
    assert first.events == second.events == ["exception"]
    assert api.get(f"/tasks/{job_id}").json()["origin"] == {"trace": TRACE}


def test_each_job_of_a_chain_in_one_process_has_its_own_span_and_trace(
    worker: WorkerProgram, collector: Collector, inspector: JobInspector
) -> None:
    traces = [f"{number:032x}" for number in range(1, 41)]

    for trace in traces:
        token = TRACE_HEADERS.set({"traceparent": f"00-{trace}-{PARENT}-01"})
        kinds.add.delay(1, 2)
        TRACE_HEADERS.reset(token)
    wait_until(lambda: len(collector.find_spans("run tests.add")) == len(traces))

    assert {span.trace for span in collector.find_spans("run tests.add")} == set(traces)


def test_a_trace_that_the_client_does_not_sample_is_not_sampled_here(
    api: ApiProcess, collector: Collector, inspector: JobInspector
) -> None:
    for flag in ("00", "01"):
        headers = {"traceparent": f"{GIVEN[:-2]}{flag}"}
        job_id = api.post("/reports", json={"max_retries": 1}, headers=headers).json()["id"]
        inspector.wait_until_final(job_id)
    wait_until(lambda: collector.find_spans("run report"))

    assert len(collector.find_spans("run report")) == 1


def test_an_invalid_trace_header_begins_a_new_trace(api: ApiProcess, collector: Collector) -> None:
    api.get("/queue/stats", headers={"traceparent": "00-nonsense"})
    (span,) = wait_until(lambda: collector.find_spans("GET /queue/stats"))

    assert span.parent == ""
    assert span.attributes["http.route"] == "/queue/stats"


def test_pending_spans_are_sent_when_worker_and_api_stop(
    workers: Workers, collector: Collector, inspector: JobInspector, valkey: EmbeddedValkey
) -> None:
    late = sending(collector.url, LATE)
    worker = workers.start(**late).ready()
    inspector.wait_until_final(kinds.add.delay(1, 2).id)
    with start_api("api.app:build", REDIS_URL=valkey.url, **late) as api:
        served(lambda: api.get("/health/ready").status_code == 200)
        api.get("/queue/stats")
        assert collector.spans == []
    wait_until(lambda: collector.find_spans("GET /queue/stats"))

    worker.process.terminate()
    worker.wait(30)

    assert len(collector.find_spans("run tests.add")) == 1
    assert not collector.find_spans("GET /health/ready")


def test_an_unreachable_collector_delays_nothing(workers: Workers, inspector: JobInspector) -> None:
    worker = workers.start(**sending("http://127.0.0.1:9")).ready()
    for _ in range(5):
        assert inspector.wait_until_final(kinds.add.delay(1, 2).id).status == "success"

    worker.process.terminate()
    assert worker.wait(15) == 0


def test_an_endpoint_without_opentelemetry_is_reported_at_the_start(tmp_path: Path) -> None:
    here = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    for name, command in {
        "api": ["-m", "api"],
        "worker": ["-m", "celery", "-A", "project", "worker"],
    }.items():
        program = Program([sys.executable, *command], tmp_path / name, here)
        assert program.wait(30) != 0
        assert "requirements-tracing.lock" in program.output


def test_without_an_endpoint_opentelemetry_is_not_imported(tmp_path: Path) -> None:
    code = """
import sys, api.app, api.http.dispatch, project.telemetry.tracing
from api.http.shutdown import Drain
api.app.build(Drain())
print([name for name in sys.modules if name.startswith("opentelemetry.exporter")])
"""

    program = Program(
        [sys.executable, "-c", code], tmp_path / "log", {"PYTHONPATH": str(ensure_installed())}
    )

    assert program.wait(30) == 0
    assert program.output == "[]\n"

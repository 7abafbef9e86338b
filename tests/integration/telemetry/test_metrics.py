"""What Prometheus is told: of real jobs, workers and API processes."""

import os
import signal
from collections.abc import Iterator

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from project.local.valkey import EmbeddedValkey
from project.records.counters import Counters, QueueStats, format_route_field
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts, jobs, maintenance, queues, statistics
from project.store.commands import workers as worker_commands
from project.store.commands.message import Message
from tests.support.apps import kinds
from tests.support.ports import find_free_port
from tests.support.programs.api_process import ApiProcess, start_api
from tests.support.programs.api_process import wait_until_reachable as served
from tests.support.programs.processes import list_children
from tests.support.programs.workers import JobInspector, Workers
from tests.support.promtool import run_promtool
from tests.support.waiting import wait_until

API = "api.app:build"
KEYS = {
    "prometheus": "prometheus-0123456789",
    "web": "web-0123456789abcdef",
    "acme": "acme-0123456789a",
}

type Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def message(job_id: str, due: float | None = None) -> Message:
    return Message(job_id, "report", "celery", f"message of {job_id}", "[[], {}]", 3, due)


def find_queue_stats(meters: Counters, kind: str) -> QueueStats:
    (found,) = (one for one in meters.queue_stats if one.kind == kind)
    return found


def start(store: Store, job_id: str, retries: int = 0) -> None:
    store.run(attempts.start(job_id, retries=retries, token="w#1"))


def values(answer: httpx2.Response) -> Values:
    assert answer.status_code == 200, answer.text
    return {
        (sample.name.removeprefix("continuo_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(read: Values, name: str, **labels: str) -> float:
    return read.get((name, frozenset(labels.items())), 0)


@pytest.fixture
def api(valkey: EmbeddedValkey, store: Store) -> Iterator[ApiProcess]:
    """Two API processes on one port."""
    with start_api(API, REDIS_URL=valkey.url, WEB_CONCURRENCY="2") as api:
        served(lambda: api.get("/health/ready").status_code == 200)
        yield api


def test_the_wait_of_a_delayed_job_begins_when_it_is_due(store: Store) -> None:
    store.run(jobs.enqueue(message("a", due=1.0)))
    store.client.hset("continuo:job:a", "updated_at", "1000.0")  # it was ordered long ago
    store.run(maintenance.promote(10))
    start(store, "a")

    waits = find_queue_stats(store.run(statistics.read_counters()), "report").waits

    assert waits.total == 1
    assert waits.seconds < 60


def test_a_job_that_has_just_become_due_is_not_old(store: Store) -> None:
    store.run(worker_commands.renew_lease("w", 60, {"slots": 1, "queues": "celery"}, first=True))
    text = '{"headers": {"id": "a"}}'
    store.run(jobs.enqueue(message("a", due=1.0)._replace(text=text)))
    store.client.hset("continuo:job:a", "updated_at", "1000.0")
    store.run(maintenance.promote(10))

    (queue,) = store.run(queues.list_queues())

    assert queue.oldest is not None
    assert queue.oldest < 60


def test_a_job_cancelled_while_it_waits_adds_no_run_time(store: Store) -> None:
    store.run(jobs.enqueue(message("a")))
    store.run(attempts.cancel("a"))

    counted = find_queue_stats(store.run(statistics.read_counters()), "report")

    assert counted.runs == {}
    assert counted.finished(TaskStatus.CANCELLED) == 1


def test_a_repeated_command_counts_once(store: Store) -> None:
    store.run(jobs.enqueue(message("a")))
    start(store, "a")
    start(store, "a")
    success = attempts.succeed("a", token="w#1", result="1", result_message="{}")
    store.run(success)
    store.run(success)

    counted = find_queue_stats(store.run(statistics.read_counters()), "report")

    assert (counted.enqueued, counted.waits.total) == (1, 1)
    assert counted.finished(TaskStatus.SUCCESS) == 1


def test_the_counts_of_a_server_are_added_once(store: Store) -> None:
    amounts = {format_route_field("GET", "/x", "=200"): 3}
    assert store.run(statistics.add_request_counts("p", 1, amounts))
    assert not store.run(statistics.add_request_counts("p", 1, amounts))
    assert store.run(statistics.add_request_counts("p", 2, amounts))
    assert store.run(statistics.add_request_counts("q", 2, amounts))

    (lane,) = store.run(statistics.read_counters()).route_stats
    assert lane.answers == {"200": 9}


def test_counts_fit_into_a_full_redis(store: Store) -> None:
    store.run(jobs.enqueue(message("a")))
    start(store, "a")
    store.client.config_set("maxmemory", "1")

    try:
        store.run(attempts.succeed("a", token="w#1", result="1", result_message="{}"))
        assert store.run(
            statistics.add_request_counts("p", 1, {format_route_field("GET", "/x", "=200"): 3})
        )
    finally:
        store.client.config_set("maxmemory", "0")

    assert (
        find_queue_stats(store.run(statistics.read_counters()), "report").finished(
            TaskStatus.SUCCESS
        )
        == 1
    )


def test_every_attempt_is_counted_by_its_outcome_across_workers(
    workers: Workers, inspector: JobInspector, store: Store
) -> None:
    first = workers.start().ready()
    quick = [kinds.add.delay(1, n).id for n in range(40)]
    again = kinds.flaky.delay(1).id
    for job_id in quick:
        inspector.wait_until_final(job_id)
    inspector.wait_for_attempts(again, 1)
    inspector.make_due(again)
    inspector.wait_until_final(again)
    held = kinds.hold.delay().id
    inspector.wait_until_held(held)
    first.kill()
    workers.start().ready()
    inspector.release(inspector.wait_until_held(held))
    inspector.wait_until_final(held)
    meters = store.run(statistics.read_counters())

    adding, flaky, holding = (
        find_queue_stats(meters, f"tests.{name}") for name in ("add", "flaky", "hold")
    )

    assert (adding.enqueued, adding.waits.total, adding.attempts("success")) == (40, 40, 40)
    assert adding.jobs["success"] == 40
    assert (flaky.attempts("retrying"), flaky.attempts("success")) == (1, 1)
    assert (holding.attempts("interrupted"), holding.attempts("success")) == (1, 1)
    assert holding.runs["interrupted"].seconds > 1
    assert holding.waits.total == 2
    assert meters.deaths == 1
    assert [round(worker.lease_age + worker.lease_left) for worker in meters.workers] == [2]


def test_each_process_of_a_port_reports_the_requests_of_both(api: ApiProcess) -> None:
    for _ in range(60):
        assert api.get("/queue/stats").status_code == 200
    assert api.get("/reports/nothing").status_code == 404

    asked = {"method": "GET", "route": "/queue/stats", "status": "200"}

    def told(answer: httpx2.Response) -> float:
        return value(values(answer), "http_requests_total", **asked)

    wait_until(lambda: told(api.get("/metrics")) == 60, 5)
    assert [told(api.get("/metrics")) for _ in range(10)] == [60] * 10

    read = values(api.get("/metrics"))
    assert value(read, "http_request_seconds_count", method="GET", route="/queue/stats") == 60

    missing = {"method": "GET", "route": "/reports/{id}", "status": "404"}
    assert value(read, "http_requests_total", **missing) == 1


def test_requests_stay_counted_after_the_end_of_their_process(api: ApiProcess) -> None:
    assert api.get("/queue/stats").status_code == 200
    for pid in list_children(api.popen.pid):
        os.kill(pid, signal.SIGTERM)
    asked = {"method": "GET", "route": "/queue/stats", "status": "200"}
    served(lambda: value(values(api.get("/metrics")), "http_requests_total", **asked) == 1)


def test_requests_answered_while_redis_is_down_are_counted_later(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, port = tmp_path_factory.mktemp("away"), find_free_port()
    with start_api(API, REDIS_URL=f"redis://127.0.0.1:{port}/0") as api:
        served(lambda: api.get("/health/live").status_code == 200)
        assert api.get("/queue/stats").status_code == 503
        assert values(api.get("/metrics")) == {("redis_up", frozenset()): 0}
        with EmbeddedValkey(folder, port):
            served(lambda: value(values(api.get("/metrics")), "redis_up") == 1)
            read = values(api.get("/metrics"))

    refused = {"method": "GET", "route": "/queue/stats", "status": "503"}

    assert value(read, "http_requests_total", **refused) == 1


def test_metrics_need_a_key_with_the_metrics_scope(valkey: EmbeddedValkey, store: Store) -> None:
    keys = (
        f"prometheus/metrics:{KEYS['prometheus']},web/submit/read/control:{KEYS['web']},"
        f"app@acme:{KEYS['acme']}"
    )
    with start_api(API, REDIS_URL=valkey.url, CONTINUO_API_KEYS=keys) as api:
        served(lambda: api.get("/health/ready").status_code == 200)
        assert api.get("/metrics").status_code == 401

        statuses = {
            name: api.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code
            for name, key in KEYS.items()
        }
        assert statuses == {"prometheus": 200, "web": 403, "acme": 403}

        reading = api.get("/tasks", headers={"Authorization": f"Bearer {KEYS['prometheus']}"})
        assert reading.status_code == 403


def test_promtool_accepts_the_metrics(api: ApiProcess) -> None:
    kinds.add.delay(1, 2)
    assert run_promtool("check", "metrics", given=api.get("/metrics").text) == ""


def test_the_last_hour_counts_ended_jobs_and_their_waits(store: Store) -> None:
    assert store.run(maintenance.save_counters(every=60))

    store.run(jobs.enqueue_many([message(name) for name in "abc"]))
    start(store, "a")
    store.run(attempts.succeed("a", token="w#1", result="1", children="", result_message="{}"))
    store.run(attempts.cancel("b"))
    now = store.run(statistics.read_history())[-1]

    assert (now.ordered, now.success, now.failed, now.cancelled) == (3, 1, 0, 1)
    assert now.wait_p50 is not None
    assert 0 < now.wait_p50 <= 1


def test_the_counters_are_sampled_once_a_minute_and_kept_for_an_hour(store: Store) -> None:
    assert [store.run(maintenance.save_counters(every=3600)) for _ in range(2)] == [True, False]
    assert all(store.run(maintenance.save_counters(every=1e-6)) for _ in range(70))
    assert store.client.llen("continuo:history") == 61

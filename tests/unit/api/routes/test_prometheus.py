from prometheus_client.parser import text_string_to_metric_families

from api.routes.operations.outbox_metrics import build_outbox_metrics
from api.routes.operations.prometheus import expose
from project.records.counters import (
    BUCKET_BOUNDS_SECONDS,
    Counters,
    Histogram,
    QueueStats,
    RouteStats,
    ScheduleStats,
    WorkerStats,
    bucket_of,
)
from project.records.record import Queue
from project.store.commands.relay import OutboxState


def times(*seconds: float) -> Histogram:
    counts = [0] * (len(BUCKET_BOUNDS_SECONDS) + 1)
    for each in seconds:
        counts[bucket_of(each)] += 1
    return Histogram(tuple(counts), sum(seconds))


def build_queue_stats(kind: str = "report", queue: str = "celery") -> QueueStats:
    return QueueStats(
        kind=kind,
        queue=queue,
        jobs={"success": 2, "failed": 1},
        enqueued=4,
        waits=times(0.0004, 0.003, 70, 9_000),
        runs={"success": times(0.5, 0.5), "retrying": times(1)},
        unrun={"failed": 1},
        poison=0,
    )


METERS = Counters(
    queue_stats=[build_queue_stats()],
    route_stats=[RouteStats("GET", "/reports/{id}", {"200": 5, "404": 1}, times(*[0.01] * 6))],
    workers=[
        WorkerStats("w@a/1", "a", 2, 9, 4.5, 1.5, 0.2),
        WorkerStats("w@b/2", "b", 2, 9, -3.0, 9.0, 0.0),
    ],
    scheduled=1,
    unsent=0,
    dead_letters=0,
    disabled=0,
    deaths=1,
    clock_steps=0,
    memory_used=1_000,
    memory_allowed=0,
    eviction="noeviction",
    schedules=ScheduleStats(2, 1, 1, 3.5, {"fired": 1}, {"overlap": 1}, times(0.002)),
)
QUEUE = Queue("celery", waiting=7, running=1, paused=True, oldest=12.5, workers=2)

type Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def values(text: str) -> Values:
    return {
        (sample.name.removeprefix("continuo_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(read: Values, name: str, **labels: str) -> float:
    return read[name, frozenset(labels.items())]


def test_prometheus_parses_the_metrics() -> None:
    read = values(expose(METERS, [QUEUE]))

    of_reports = {"kind": "report", "queue": "celery"}

    assert value(read, "redis_up") == 1
    assert value(read, "jobs", status="success", **of_reports) == 2
    assert value(read, "jobs_enqueued_total", **of_reports) == 4
    assert value(read, "jobs_finished_total", status="success", **of_reports) == 2
    assert value(read, "retries_total", **of_reports) == 1
    assert value(read, "recoveries_total", **of_reports) == 0
    assert value(read, "queue_waiting", queue="celery") == 7
    assert value(read, "schedules") == 2
    assert value(read, "schedule_late_for_seconds") == 3.5
    assert value(read, "schedule_jobs_total", what="fired") == 1
    assert value(read, "schedule_skipped_total", reason="overlap") == 1
    assert value(read, "queue_oldest_seconds", queue="celery") == 12.5
    assert value(read, "queue_paused", queue="celery") == 1
    assert (
        value(read, "http_requests_total", method="GET", route="/reports/{id}", status="404") == 1
    )


def test_a_job_that_ended_without_an_attempt_counts_as_finished() -> None:
    read = values(expose(METERS, []))
    failed = {"kind": "report", "queue": "celery", "status": "failed"}
    assert value(read, "jobs_finished_total", **failed) == 1


def test_a_bucket_counts_all_faster_observations() -> None:
    read = values(expose(METERS, []))
    of_reports = {"kind": "report", "queue": "celery"}

    below = {
        bound: value(read, "job_wait_seconds_bucket", le=bound, **of_reports)
        for bound in ("0.001", "0.002", "0.004", "65.536", "131.072", "4194.304", "+Inf")
    }

    assert list(below.values()) == [1, 1, 2, 2, 3, 3, 4]
    assert value(read, "job_wait_seconds_count", **of_reports) == 4
    assert value(read, "job_wait_seconds_sum", **of_reports) == 9_070.0034


def test_a_worker_whose_lease_has_ended_is_shown_and_not_counted_as_live() -> None:
    read = values(expose(METERS, []))

    assert value(read, "workers") == 1
    assert value(read, "worker_lease_left_seconds", worker="w@b/2", host="b") == -3
    assert value(read, "worker_lease_age_seconds", worker="w@b/2", host="b") == 9


def test_a_hostile_kind_name_breaks_no_line() -> None:
    name = 'a"b\\c d{e="f"} 1'
    read = values(expose(METERS._replace(queue_stats=[build_queue_stats(name)]), []))
    assert value(read, "jobs_enqueued_total", kind=name, queue="celery") == 4


def test_queue_lengths_are_left_out_with_rabbitmq() -> None:
    read = values(expose(METERS, [Queue("celery", None, 1, paused=False, oldest=None, workers=2)]))
    assert not [name for name, _ in read if name in {"queue_waiting", "queue_oldest_seconds"}]
    assert value(read, "queue_running", queue="celery") == 1


def test_without_redis_the_only_metric_is_redis_up() -> None:
    assert values(expose(None, [])) == {("redis_up", frozenset()): 0}


def test_the_state_of_each_outbox_is_exposed() -> None:
    outboxes = build_outbox_metrics([OutboxState("db/shop", 7, 2.5, 1, 0.5)])

    read = values(expose(METERS, [], more=outboxes))
    found = {
        name: value(read, f"outbox_{name}", outbox="db/shop")
        for name in ("rows", "lag_seconds", "refused", "unseen_seconds")
    }

    assert found == {"rows": 7, "lag_seconds": 2.5, "refused": 1, "unseen_seconds": 0.5}

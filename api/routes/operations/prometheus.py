"""Formats counters in Prometheus' text format, version 0.0.4."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Literal, NamedTuple

from project.records.counters import (
    BUCKET_BOUNDS_SECONDS,
    CAUSE_NEWS,
    REPAIRS,
    Counters,
    Histogram,
    QueueStats,
    RouteStats,
    ScheduleStats,
    WorkerStats,
)
from project.records.record import FINAL_STATUSES, Queue
from project.store.commands.limits import StoredLimit
from project.store.commands.switches import StoredSwitch

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUEST_BUCKETS = 16
"""Buckets of the request duration; no response takes longer than the last one."""

PREFIX = "continuo_"

type Labels = Mapping[str, str]
type LabeledValue = tuple[Labels, float]
type Sample = tuple[str, Labels, float]
"""The suffix of the metric's name, the labels, and the value."""


class Metric(NamedTuple):
    """A metric with all its samples."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: list[Sample]

    def write(self) -> Iterator[str]:
        """Yield the lines of the metric."""
        yield f"# HELP {self.name} {self.help}\n"
        yield f"# TYPE {self.name} {self.kind}\n"
        for suffix, labels, value in self.samples:
            yield f"{self.name}{suffix}{format_labels(labels)} {value!r}\n"


def expose(
    meters: Counters | None,
    queues: list[Queue],
    limits: Mapping[str, StoredLimit] | None = None,
    switches: Mapping[str, StoredSwitch] | None = None,
    more: Iterable[Metric] = (),
) -> str:
    """Format all metrics; without counters only that Redis is not available."""
    help_up = "Whether Redis answers; when it does not, no other metric is there."
    metrics = [build_gauge("redis_up", help_up, [({}, int(meters is not None))])]
    if meters:
        metrics += [
            *build_job_metrics(meters.queue_stats),
            *build_queue_metrics(queues),
            *build_limit_metrics(limits or {}),
            build_switch_metric(switches or {}),
            *build_worker_metrics(meters.workers),
        ]
        metrics += [*build_total_metrics(meters), *build_http_metrics(meters.route_stats)]
        metrics += [*build_schedule_metrics(meters.schedules), *more]
    return "".join(line for metric in metrics for line in metric.write())


def build_job_metrics(shelves: list[QueueStats]) -> Iterator[Metric]:
    """Yield the metrics of jobs, by kind and queue."""
    yield build_gauge(
        "jobs",
        "Jobs that are kept, by status.",
        (
            (build_labels(shelf, status=status), jobs)
            for shelf in shelves
            for status, jobs in shelf.jobs.items()
        ),
    )
    yield build_counter(
        "jobs_enqueued_total",
        "Jobs that were taken.",
        ((build_labels(shelf), shelf.enqueued) for shelf in shelves),
    )
    yield build_counter(
        "jobs_finished_total",
        "Jobs that reached a final status.",
        (
            (build_labels(shelf, status=status), shelf.finished(status))
            for shelf in shelves
            for status in sorted(FINAL_STATUSES)
        ),
    )
    yield build_counter(
        "jobs_poisoned_total",
        "Jobs failed because they killed their workers.",
        ((build_labels(shelf), shelf.poison) for shelf in shelves),
    )
    yield build_counter(
        "jobs_mended_total",
        "Jobs that could not have ended, as a worker or a message was lost, by what was done.",
        (
            (build_labels(shelf, how=how), shelf.mended.get(how, 0))
            for shelf in shelves
            for how in REPAIRS
        ),
    )
    yield build_counter(
        "breaker_trips_total",
        "How often the breaker of the kind held it back, as its jobs failed.",
        ((build_labels(shelf), shelf.breaker_trips) for shelf in shelves),
    )
    yield build_counter(
        "retries_total",
        "Attempts that failed and were followed by another.",
        ((build_labels(shelf), shelf.attempts("retrying")) for shelf in shelves),
    )
    yield build_counter(
        "recoveries_total",
        "Attempts lost with their worker, and made again.",
        ((build_labels(shelf), shelf.attempts("interrupted")) for shelf in shelves),
    )
    yield build_histogram(
        "job_wait_seconds",
        "From when a job could run until an attempt began.",
        ((build_labels(shelf), shelf.waits) for shelf in shelves),
    )
    yield build_histogram(
        "job_run_seconds",
        "How long an attempt took, by how it ended.",
        (
            (build_labels(shelf, outcome=outcome), run)
            for shelf in shelves
            for outcome, run in shelf.runs.items()
        ),
    )


def build_queue_metrics(queues: list[Queue]) -> Iterator[Metric]:
    """Yield the metrics of queues. With RabbitMQ the number of waiting messages is not known."""
    known = [(queue, queue.waiting) for queue in queues if queue.waiting is not None]
    yield build_gauge(
        "queue_waiting",
        "Messages that no worker has taken.",
        (({"queue": queue.name}, waiting) for queue, waiting in known),
    )
    yield build_gauge(
        "queue_oldest_seconds",
        "How long the next job has waited; 0 when none does.",
        (({"queue": queue.name}, queue.oldest or 0) for queue, _ in known),
    )
    yield build_gauge(
        "queue_running",
        "Jobs of the queue that run.",
        (({"queue": queue.name}, queue.running) for queue in queues),
    )
    yield build_gauge(
        "queue_paused",
        "Whether it hands out nothing.",
        (({"queue": queue.name}, int(queue.paused)) for queue in queues),
    )
    yield build_gauge(
        "queue_workers",
        "Live workers that take from it.",
        (({"queue": queue.name}, queue.workers) for queue in queues),
    )


def build_limit_metrics(limits: Mapping[str, StoredLimit]) -> Iterator[Metric]:
    """Yield the metrics of limits."""
    yield build_gauge(
        "limit_running",
        "Jobs that run and that the limit counts.",
        (({"limit": name}, stored.running) for name, stored in limits.items()),
    )
    yield build_gauge(
        "limit_held_lanes",
        "Lanes that wait for the limit.",
        (({"limit": name}, stored.lanes_held) for name, stored in limits.items()),
    )
    yield build_gauge(
        "limit_held_jobs",
        "Messages in the lanes that wait for the limit.",
        (({"limit": name}, stored.jobs_held) for name, stored in limits.items()),
    )


def build_switch_metric(switches: Mapping[str, StoredSwitch]) -> Metric:
    """Build the metric of switches, of which there is one for each host that is held."""
    return build_gauge(
        "switch_held_jobs",
        "Messages that wait for the switch, the host or the breaker.",
        (({"switch": name}, stored.jobs_held) for name, stored in switches.items()),
    )


def build_worker_metrics(workers: list[WorkerStats]) -> Iterator[Metric]:
    """Yield the metrics of workers."""
    named = [({"worker": worker.worker, "host": worker.host}, worker) for worker in workers]
    live = [worker for worker in workers if worker.lease_left > 0]
    yield build_gauge("workers", "Workers whose lease holds.", [({}, len(live))])
    yield build_gauge(
        "worker_slots",
        "Jobs it runs at once.",
        ((labels, worker.slots) for labels, worker in named),
    )
    yield build_gauge(
        "worker_memory_bytes",
        "Resident in all of its processes when it last renewed its lease.",
        ((labels, worker.memory) for labels, worker in named),
    )
    yield build_gauge(
        "worker_clock_skew_seconds",
        "By which the clock of its machine is ahead of that of Redis.",
        ((labels, worker.clock_skew) for labels, worker in named),
    )
    yield build_gauge(
        "worker_lease_age_seconds",
        "Since it last renewed its lease.",
        ((labels, worker.lease_age) for labels, worker in named),
    )
    yield build_gauge(
        "worker_lease_left_seconds",
        "Until its lease ends; below 0 it is thought dead.",
        ((labels, worker.lease_left) for labels, worker in named),
    )


def build_total_metrics(meters: Counters) -> Iterator[Metric]:
    """Yield the metrics of the whole system."""
    yield build_counter(
        "worker_deaths_total", "Workers whose jobs were given to others.", [({}, meters.deaths)]
    )
    yield build_counter(
        "clock_steps_total", "How often Redis' clock was set back.", [({}, meters.clock_steps)]
    )
    yield build_counter(
        "failure_causes_total",
        "Causes of failures that were new, or came back after they were resolved.",
        (({"news": news}, meters.causes.get(news, 0)) for news in CAUSE_NEWS),
    )
    for name, text, value in (
        ("jobs_scheduled", "Jobs that wait for their time, retries too.", meters.scheduled),
        ("messages_unsent", "Messages that RabbitMQ has not confirmed.", meters.unsent),
        ("messages_unreadable", "Messages put aside as nobody can read them.", meters.dead_letters),
        ("callbacks_disabled", "URLs that answered 410 and get no callbacks.", meters.disabled),
        ("redis_memory_bytes", "What Redis uses; -1 if it does not tell.", meters.memory_used),
        ("redis_memory_limit_bytes", "What it may use; 0 is all.", meters.memory_allowed),
    ):
        yield build_gauge(name, text, [({}, value)])


def build_schedule_metrics(meters: ScheduleStats) -> Iterator[Metric]:
    """Yield the metrics of schedules."""
    for name, text, value in (
        ("schedules", "Schedules, those that are paused or over too.", meters.total),
        ("schedules_idle", "Schedules that are paused or over.", meters.idle),
        ("schedules_due", "Schedules whose job is due and not made yet.", meters.due),
        ("schedule_late_for_seconds", "Since the first of these is due.", meters.lateness),
    ):
        yield build_gauge(name, text, [({}, value)])
    yield build_counter(
        "schedule_jobs_total",
        "Jobs that schedules made.",
        (({"what": what}, count) for what, count in meters.made.items()),
    )
    yield build_counter(
        "schedule_skipped_total",
        "Due times without a job.",
        (({"reason": reason}, count) for reason, count in meters.skipped.items()),
    )
    yield build_histogram("schedule_late_seconds", "How late jobs were made.", [({}, meters.late)])


def build_http_metrics(lanes: list[RouteStats]) -> Iterator[Metric]:
    """Yield the metrics of routes, over all API processes."""
    yield build_counter(
        "http_requests_total",
        "Requests answered.",
        (
            ({"method": lane.method, "route": lane.route, "status": status}, answers)
            for lane in lanes
            for status, answers in sorted(lane.answers.items())
        ),
    )
    yield build_histogram(
        "http_request_seconds",
        "How long they took.",
        (({"method": lane.method, "route": lane.route}, lane.times) for lane in lanes),
        REQUEST_BUCKETS,
    )


def build_gauge(name: str, text: str, values: Iterable[LabeledValue]) -> Metric:
    """Build a gauge."""
    return Metric(PREFIX + name, "gauge", text, [("", *value) for value in values])


def build_counter(name: str, text: str, values: Iterable[LabeledValue]) -> Metric:
    """Build a counter."""
    return Metric(PREFIX + name, "counter", text, [("", *value) for value in values])


def build_histogram(
    name: str,
    text: str,
    values: Iterable[tuple[Labels, Histogram]],
    bounds: int = len(BUCKET_BOUNDS_SECONDS),
) -> Metric:
    """Build a histogram with ``buckets`` buckets and one for longer times."""
    samples = [
        sample for labels, times in values for sample in build_bucket_samples(labels, times, bounds)
    ]
    return Metric(PREFIX + name, "histogram", text, samples)


def build_bucket_samples(labels: Labels, times: Histogram, bounds: int) -> Iterator[Sample]:
    """Yield the samples of a histogram; each bucket includes the smaller ones."""
    for bound, below in zip(BUCKET_BOUNDS_SECONDS[:bounds], accumulate(times.counts), strict=False):
        yield "_bucket", {**labels, "le": repr(bound)}, below
    yield "_bucket", {**labels, "le": "+Inf"}, times.total
    yield "_sum", labels, times.seconds
    yield "_count", labels, times.total


def build_labels(shelf: QueueStats, **more: str) -> Labels:
    """Build the labels of a kind and a queue."""
    return {"kind": shelf.kind, "queue": shelf.queue, **more}


def format_labels(labels: Labels) -> str:
    """Format labels in braces."""
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{escape_label(value)}"' for name, value in labels.items()) + "}"


def escape_label(text: str) -> str:
    """Escape a label's value: it may be any text, such as the kind of a foreign message."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

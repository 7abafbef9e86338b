"""The metrics, from the output of /metrics."""

import re

from api.routes.operations.history_metrics import build_history_metrics
from api.routes.operations.outbox_metrics import build_outbox_metrics
from api.routes.operations.prometheus import expose
from benchmarks.support.page_parts import format_table
from project.records.counters import (
    BUCKET_BOUNDS_SECONDS,
    Counters,
    Histogram,
    QueueStats,
    RouteStats,
    ScheduleStats,
    WorkerStats,
)
from project.records.record import Queue
from project.store.commands.archive import Backlog
from project.store.commands.relay import OutboxState

SAMPLE_HISTOGRAM = Histogram((1, *[0] * len(BUCKET_BOUNDS_SECONDS)), 0.0005)
SAMPLE_COUNTERS = Counters(
    queue_stats=[
        QueueStats(
            "report",
            "celery",
            {"success": 1},
            1,
            SAMPLE_HISTOGRAM,
            {"success": SAMPLE_HISTOGRAM},
            {},
            0,
        )
    ],
    route_stats=[RouteStats("GET", "/", {"200": 1}, SAMPLE_HISTOGRAM)],
    workers=[WorkerStats("w", "h", 1, 1, 1.0, 1.0, 0.0)],
    scheduled=0,
    unsent=0,
    dead_letters=0,
    disabled=0,
    deaths=0,
    clock_steps=0,
    memory_used=1,
    memory_allowed=1,
    eviction="noeviction",
    schedules=ScheduleStats(2, 1, 1, 3.5, {"fired": 1}, {"overlap": 1}, SAMPLE_HISTOGRAM),
)
SAMPLE_QUEUE = Queue("celery", waiting=1, running=0, paused=False, oldest=1.0, workers=1)
SAMPLE_OUTBOX = OutboxState("db/shop", rows=1, lag=1.0, refused=0, unseen=1.0)


def expose_samples() -> str:
    """What /metrics answers when there is one of everything."""
    more = (*build_outbox_metrics([SAMPLE_OUTBOX]), *build_history_metrics(Backlog(0, 0.0)))
    return expose(SAMPLE_COUNTERS, [SAMPLE_QUEUE], more=more)


def make_metrics() -> str:
    """The table of all metrics."""
    text = expose_samples()
    rows = (
        (f"`{name}`", kind, find_label_names(text, name), meaning)
        for (name, meaning), kind in zip(
            re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE),
            re.findall(r"^# TYPE \S+ (\w+)$", text, re.MULTILINE),
            strict=True,
        )
    )
    return format_table(("metric", "type", "labels", "what it is"), rows)


def find_label_names(text: str, name: str) -> str:
    """The labels of a metric's samples, without ``le``."""
    samples = re.findall(rf"^{name}(?:_bucket|_sum|_count)?\{{(.*)\}} ", text, re.MULTILINE)
    names = dict.fromkeys(label for sample in samples for label in re.findall(r'(\w+)="', sample))
    return ", ".join(f"`{label}`" for label in names if label != "le")

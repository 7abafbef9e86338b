"""The metrics, as /metrics itself describes them."""

import re

from api.routes.operations.prometheus import expose
from benchmarks.parts import table
from project.records.counters import BOUNDS, Histogram, Host, Lane, Meters, Shelf
from project.records.labels import Label
from project.records.record import Queue

ONE = Histogram((1, *[0] * len(BOUNDS)), 0.0005)
METERS = Meters(
    shelves=[Shelf(Label("report"), {"success": 1}, 1, ONE, {"success": ONE}, {}, 0)],
    lanes=[Lane("GET", "/", {"200": 1}, ONE)],
    workers=[Host("w", "h", 1, 1, 1.0, 1.0)],
    scheduled=0,
    unsent=0,
    garbage=0,
    disabled=0,
    deaths=0,
    memory_used=1,
    memory_allowed=1,
)
QUEUE = Queue("celery", waiting=1, running=0, paused=False, oldest=1.0, workers=1)


def make() -> str:
    """The table of all."""
    text = expose(METERS, [QUEUE])
    rows = (
        (f"`{name}`", kind, labels(text, name), meaning)
        for (name, meaning), kind in zip(
            re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE),
            re.findall(r"^# TYPE \S+ (\w+)$", text, re.MULTILINE),
            strict=True,
        )
    )
    return table(("metric", "type", "labels", "what it is"), rows)


def labels(text: str, name: str) -> str:
    """The labels that the samples of a metric have, but ``le``."""
    samples = re.findall(rf"^{name}(?:_bucket|_sum|_count)?\{{(.*)\}} ", text, re.MULTILINE)
    names = dict.fromkeys(label for sample in samples for label in re.findall(r'(\w+)="', sample))
    return ", ".join(f"`{label}`" for label in names if label != "le")

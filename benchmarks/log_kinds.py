"""The jobs of ``benchmarks.logs``: ``celery -A project worker -I benchmarks.log_kinds``."""

import logging

from project.celery import app

LINE = "x" * 1_000

log = logging.getLogger("shop.orders")
unkept_log = logging.getLogger("celery.shop")
"""Its lines go into the log of the worker only, like all of Celery's."""


@app.task(name="bench.silent")
def be_silent() -> None:
    """Log nothing."""


@app.task(name="bench.talk")
def talk() -> None:
    """Log ten lines."""
    for number in range(10):
        log.info("order %d is paid and sent", number)


@app.task(name="bench.talk_unkept")
def talk_unkept() -> None:
    """Log ten lines that are not kept for the job."""
    for number in range(10):
        unkept_log.info("order %d is paid and sent", number)


@app.task(name="bench.shout", prints=True)
def shout(megabytes: int) -> None:
    """Print much, a thousand characters a line."""
    for _ in range(megabytes * 1_000):
        print(LINE)

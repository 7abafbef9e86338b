"""Kinds of jobs that log each run: ``celery -A project worker -I tests.chaos.jobs.kinds``."""

import time
from typing import Any

from project.celery import app
from tests.chaos.jobs.run_writer import effort_of, kill_process, work_long, writer_of
from tests.chaos.judge.ledger import EventType


@app.task(name="chaos.short", bind=True)
def short(self: Any, ledger: str, _ballast: str = "") -> None:
    """Have an effect after a few milliseconds."""
    pen = writer_of(self, ledger)
    pen.write(EventType.START)
    time.sleep(effort_of(self.request.id))
    pen.write(EventType.FINISH)


@app.task(name="chaos.once", bind=True)
def once(self: Any, ledger: str, _ballast: str = "") -> None:
    """The same, for an effect that must never happen twice."""
    pen = writer_of(self, ledger)
    pen.write(EventType.START)
    with self.once("effect") as first:
        if first:
            time.sleep(effort_of(self.request.id))
            pen.write(EventType.FINISH)
    if not first:
        pen.write(EventType.END)


@app.task(name="chaos.long", bind=True)
def long(self: Any, ledger: str, seconds: float) -> None:
    """Work for many seconds, a little at a time."""
    work_long(writer_of(self, ledger), seconds)


@app.task(name="chaos.killer", bind=True)
def killer(self: Any, ledger: str, victim: str) -> None:
    """Kill the own process ("child") or the one that started it ("main")."""
    kill_process(writer_of(self, ledger), victim)

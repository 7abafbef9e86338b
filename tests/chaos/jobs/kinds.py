"""Job kinds that log each run: ``celery -A project worker -I tests.chaos.jobs.kinds``."""

import asyncio
import time
from typing import Any

from celery.exceptions import Ignore

from project.celery import app
from tests.chaos.jobs.run_writer import effort_of, kill_process, work_long, writer_of
from tests.chaos.judge.ledger import EventType
from tests.chaos.judge.step_log import StepEvent, write_step

STEPS = 5
STEP_BEFORE_SLEEP = 2

ASIDE_SECONDS = 4.0
"""With 125 jobs a second, 500 are in hand at any time."""


@app.task(name="chaos.short", bind=True)
def short(self: Any, ledger: str, _ballast: str = "") -> None:
    """Work for a few milliseconds, then have the effect."""
    writer = writer_of(self, ledger)
    writer.write(EventType.START)
    time.sleep(effort_of(self.request.id))
    writer.write(EventType.FINISH)


@app.task(name="chaos.once", bind=True)
def once(self: Any, ledger: str, _ballast: str = "") -> None:
    """Like ``short``, with the effect inside ``once``: it must never happen twice."""
    writer = writer_of(self, ledger)
    writer.write(EventType.START)
    with self.once("effect") as first:
        if first:
            time.sleep(effort_of(self.request.id))
            writer.write(EventType.FINISH)
    if not first:
        writer.write(EventType.END)


@app.task(name="chaos.aside", bind=True)
async def aside(self: Any, ledger: str, _ballast: str = "") -> None:
    """Sleep for seconds beside many others, then have the effect."""
    writer = writer_of(self, ledger)
    writer.write(EventType.START)
    await asyncio.sleep(ASIDE_SECONDS)
    writer.write(EventType.FINISH)


@app.task(name="chaos.steps", bind=True)
def steps(self: Any, ledger: str, step_log: str) -> None:
    """Do five steps, and sleep after the third."""
    writer, job_id = writer_of(self, ledger), self.request.id
    writer.write(EventType.START)
    for number in range(STEPS):
        self.step(f"part {number}", write_step, step_log, job_id, number, StepEvent.RUN)
        write_step(step_log, job_id, number, StepEvent.FINISHED)
        if number == STEP_BEFORE_SLEEP:
            try:
                self.sleep(seconds=1)
            except Ignore:
                writer.write(EventType.END)
                raise
    writer.write(EventType.FINISH)


@app.task(name="chaos.long", bind=True)
def long(self: Any, ledger: str, seconds: float) -> None:
    """Work for ``seconds`` in steps of ``STEP_SECONDS``."""
    work_long(writer_of(self, ledger), seconds)


@app.task(name="chaos.killer", bind=True)
def killer(self: Any, ledger: str, victim: str) -> None:
    """Kill the job's own process ("child") or the worker's main process ("main")."""
    kill_process(writer_of(self, ledger), victim)

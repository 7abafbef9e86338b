"""A plain Celery application: ``celery -A tests.chaos.jobs.stock worker``.

The stock Redis transport and result backend, set up as Celery's documentation advises
for jobs that must not be lost. CHAOS_VISIBILITY sets the visibility timeout in seconds
and makes Celery look for expired messages every second; without it Celery's default of
an hour applies.
"""

import os
import time

from celery import Celery, Task

from tests.chaos.jobs.run_writer import effort_of, kill_process, work_long, writer_of
from tests.chaos.judge.ledger import EventType

VISIBILITY_VARIABLE = "CHAOS_VISIBILITY"


def build_stock_application(url: str, visibility: str) -> Celery:
    """Build the app; ``visibility`` is the timeout in seconds, "" for Celery's default."""
    application = Celery("stock", broker=url, backend=url, set_as_current=False)
    application.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        result_backend_always_retry=True,
    )
    if visibility:
        application.conf.broker_transport_options = {
            "visibility_timeout": int(visibility),
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
        }
    return application


app = build_stock_application(
    os.environ.get("REDIS_URL", "redis://127.0.0.1"), os.environ.get(VISIBILITY_VARIABLE, "")
)


@app.task(name="chaos.short", bind=True)
def short(self: Task, ledger: str) -> None:
    """Like ``tests.chaos.jobs.kinds.short``."""
    writer = writer_of(self, ledger)
    writer.write(EventType.START)
    time.sleep(effort_of(self.request.id))
    writer.write(EventType.FINISH)


@app.task(name="chaos.long", bind=True)
def long(self: Task, ledger: str, seconds: float) -> None:
    """Like ``tests.chaos.jobs.kinds.long``."""
    work_long(writer_of(self, ledger), seconds)


@app.task(name="chaos.killer", bind=True)
def killer(self: Task, ledger: str, victim: str) -> None:
    """Like ``tests.chaos.jobs.kinds.killer``."""
    kill_process(writer_of(self, ledger), victim)

"""Beat, of which any number may run: every due time of an entry makes one job.

Workers fire the entries of ``beat_schedule`` that can be schedules in Redis (see
``project.schedules.declarations``). Beat writes these, deletes those that are gone from the code,
and fires the others itself.

The job's id is made of the entry's name and the time it was due. Whoever sends it
second, a second beat or one that was started again with an old schedule, is told that
the job is there. Nothing is elected, locked, or handed over.
"""

import logging
import time
from copy import copy
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from celery.beat import PersistentScheduler, ScheduleEntry, SchedulingError
from celery.schedules import crontab, schedule

from project.errors import DuplicateJob
from project.schedules.declarations import collect_beat_plans, delete_old_plans, write_plans
from project.store.startup import exit_if_unusable, wait_for_redis
from project.worker.lease import WORKER_PATIENCE_SECONDS

log = logging.getLogger(__name__)


class OnceScheduler(PersistentScheduler):
    """``beat_scheduler = "project.worker.beat:OnceScheduler"``."""

    def setup_schedule(self) -> None:
        """Open the schedule's file and write the plans that workers fire, once Redis is there."""
        Path(self.schedule_filename).parent.mkdir(parents=True, exist_ok=True)
        with exit_if_unusable():
            wait_for_redis(self.app.store)
        self.app.store.patience = WORKER_PATIENCE_SECONDS
        write_plans(self.app)
        for name in delete_old_plans(self.app):
            log.info("schedule %s is deleted: it stands in the code no longer", name)
        super().setup_schedule()

    def merge_inplace(self, b: Any) -> None:
        """Take the entries that workers do not fire."""
        fired = collect_beat_plans(self.app)
        super().merge_inplace({name: b[name] for name in b if name not in fired})

    def apply_async(
        self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any
    ) -> Any:
        """Send the job of an entry that is due, unless it was sent."""
        once = copy(entry)
        once.options = {"task_id": job_id(entry, time.time())} | entry.options
        if advance:
            self.reserve(entry)
        try:
            return super().apply_async(once, producer, advance=False, **kwargs)
        except SchedulingError as problem:
            if not isinstance(problem.__context__, DuplicateJob):
                raise
            log.info("%s was sent for this time already", entry.name)
            return None


def job_id(entry: ScheduleEntry, now: float) -> str:
    """The id of the job of an entry that is due; ``now`` in seconds since the epoch."""
    return str(uuid5(NAMESPACE_OID, f"{entry.name} {due_time(entry, now)}"))


def due_time(entry: ScheduleEntry, now: float) -> str:
    """The time that is due: the next one after the last run, or the interval it is in."""
    when = entry.schedule
    if isinstance(when, crontab):
        start, until_due, _ = when.remaining_delta(entry.last_run_at)
        return str(start + until_due)
    seconds = when.run_every.total_seconds() if isinstance(when, schedule) else 60.0
    return f"{now // seconds:.0f} x {seconds:g}"

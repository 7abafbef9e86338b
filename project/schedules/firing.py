"""Fires what is due. Every worker does it: there is no leader, no lock and no scheduler.

A worker reads the schedules that are due, computes in Python which due times get a job and when
the next one is, and gives both to a script. The script does nothing when the schedule is not as
the worker read it: another worker was faster, or somebody has changed it.
"""

import logging
import random
from collections.abc import Iterable
from typing import Any

from project.errors import InvalidField
from project.records.schedule import Schedule
from project.schedules.declarations import write_plans
from project.schedules.jobs import build_due_jobs, choose_due_times
from project.schedules.timetable import Timetable, find_fire_time
from project.store.client import Store
from project.store.commands import schedules
from project.store.commands.schedules import DueJob, FireResult

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
MAX_SCHEDULES_PER_ROUND = 50


class ScheduleRounds:
    """Makes rounds over the schedules that are due."""

    def __init__(self, app: Any, store: Store) -> None:
        self.app = app
        self.store = store
        self._has_written = False

    def work(self) -> float:
        """Fire what is due; the seconds until there may be more.

        The first time, writes the schedules that stand in the code.
        """
        if not self._has_written:
            write_plans(self.app)
            self._has_written = True
        found = self.store.run(
            schedules.list_due(MAX_SCHEDULES_PER_ROUND, random.random())  # noqa: S311 - not a secret
        )
        known = [each for each in found.schedules if each.plan.kind in self.app.tasks]
        for schedule in known:
            self.fire(schedule)
        if len(known) == MAX_SCHEDULES_PER_ROUND:
            return 0.0
        return LOOK_SECONDS if not found.next_in else min(found.next_in, LOOK_SECONDS)

    def fire(self, schedule: Schedule) -> FireResult:
        """Make the job that waits, or those of the due time."""
        if schedule.waiting is not None:
            result = self.release(schedule, schedule.waiting)
            if result is not FireResult.HELD:
                return result
        fire_at = find_next_fire_time(schedule)
        if fire_at is None or fire_at > schedule.at or schedule.due is None:
            return FireResult.CHANGED
        return self.fire_due(schedule, schedule.due, fire_at)

    def release(self, schedule: Schedule, due: int) -> FireResult:
        """Make the job that waits for the end of the last one, if that has ended."""
        jobs = self.build_jobs(schedule, [due])
        if not jobs:
            return FireResult.HELD
        move = schedules.release(schedule, jobs[0], next_at=find_next_fire_time(schedule))
        return self.publish(self.store.run(move), jobs)

    def fire_due(self, schedule: Schedule, due: int, fire_at: float) -> FireResult:
        """Make the jobs of the due time and of those that were missed since."""
        plan = schedule.plan
        times = choose_due_times(plan, due, schedule.at)
        following = Timetable(plan).find_next(max(due, int(schedule.at)))
        jobs = self.build_jobs(schedule, times.fired)
        move = schedules.fire(
            schedule,
            jobs or [],
            fire_at=fire_at,
            following=following,
            next_at=None if following is None else find_fire_time(plan, schedule.name, following),
            missed=times.missed,
            invalid=jobs is None,
        )
        result = self.store.run(move)
        if result is FireResult.PAUSED:
            log.error("schedule %s is paused: its last jobs have failed", schedule.name)
        return self.publish(result, jobs or [])

    def build_jobs(self, schedule: Schedule, times: Iterable[int]) -> list[DueJob] | None:
        """The jobs of due times; None when they cannot be made."""
        try:
            return build_due_jobs(self.app, schedule.name, schedule.plan, times)
        except (InvalidField, TypeError) as problem:
            log.error("schedule %s makes no job: %s", schedule.name, problem)  # noqa: TRY400 - not of ours
            return None

    def publish(self, result: FireResult, jobs: list[DueJob]) -> FireResult:
        """Publish the messages to RabbitMQ, if that carries them."""
        if result is FireResult.FIRED:
            self.app.publish_all([job.message for job in jobs])
        return result


def find_next_fire_time(schedule: Schedule) -> float | None:
    """When the due time of a schedule is fired; None when none follows."""
    if schedule.due is None:
        return None
    return find_fire_time(schedule.plan, schedule.name, schedule.due)

"""Fires what is due. Every worker does it: there is no leader, no lock and no scheduler.

A worker reads the schedules that are due, computes in Python which due times get a job and when
the next one is, and gives both to a script. The script does nothing when the schedule is not as
the worker read it: another worker was faster, or somebody has changed it.
"""

import logging
import random
from collections.abc import Iterable, Sequence
from typing import Any

from project.errors import InvalidField
from project.records.schedule import Schedule
from project.schedules.declarations import write_plans
from project.schedules.jobs import build_due_jobs, choose_due_times
from project.schedules.timetable import Timetable, find_fire_time
from project.store.client import Store
from project.store.commands import schedules
from project.store.commands.schedules import DueFiring, DueJob, FireResult

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
MAX_SCHEDULES_PER_ROUND = 50
MAX_JOBS_PER_CALL = 200
"""A script that makes so many blocks Redis for about 10 ms. One schedule may have more."""


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
        self.fire_all(known)
        if len(known) == MAX_SCHEDULES_PER_ROUND:
            return 0.0
        return LOOK_SECONDS if not found.next_in else min(found.next_in, LOOK_SECONDS)

    def fire_all(self, due: Iterable[Schedule]) -> list[FireResult]:
        """Make the jobs that wait, and those of due times; what became of each."""
        results, firings = list[FireResult](), list[DueFiring]()
        for schedule in due:
            if schedule.waiting is not None:
                result = self.release(schedule, schedule.waiting)
                if result is not FireResult.HELD:
                    results.append(result)
                    continue
            if firing := self.build_firing(schedule):
                firings.append(firing)
            if sum(len(each.jobs) for each in firings) >= MAX_JOBS_PER_CALL:
                results += self.send(firings)
                firings = []
        return results + self.send(firings)

    def release(self, schedule: Schedule, due: int) -> FireResult:
        """Make the job that waits for the end of the last one, if that has ended."""
        jobs = self.build_jobs(schedule, [due])
        if not jobs:
            return FireResult.HELD
        move = schedules.release(schedule, jobs[0], next_at=find_next_fire_time(schedule))
        return self.publish(self.store.run(move), jobs)

    def build_firing(self, schedule: Schedule) -> DueFiring | None:
        """What to do about the due time and those that were missed since; None: it is not due."""
        plan, due, fire_at = schedule.plan, schedule.due, find_next_fire_time(schedule)
        if due is None or fire_at is None or fire_at > schedule.at:
            return None
        try:
            times = choose_due_times(plan, due, schedule.at)
            following = Timetable(plan).find_next(max(due, int(schedule.at)))
        except InvalidField as problem:  # another worker may know the zone
            log.error("schedule %s is not fired: %s", schedule.name, problem)  # noqa: TRY400 - no bug of ours
            return None
        jobs = self.build_jobs(schedule, times.fired)
        return DueFiring(
            schedule,
            jobs or [],
            fire_at,
            following,
            None if following is None else find_fire_time(plan, schedule.name, following),
            times.missed,
            is_invalid=jobs is None,
        )

    def send(self, firings: list[DueFiring]) -> list[FireResult]:
        """Fire due times in one step."""
        if not firings:
            return []
        results = self.store.run(schedules.fire(firings))
        for firing, result in zip(firings, results, strict=True):
            self.publish(result, firing.jobs)
            if result is FireResult.PAUSED:
                log.error("schedule %s is paused: its jobs have failed", firing.schedule.name)
        return results

    def build_jobs(self, schedule: Schedule, times: Iterable[int]) -> list[DueJob] | None:
        """The jobs of due times; None when they cannot be made."""
        try:
            return build_due_jobs(self.app, schedule.name, schedule.plan, times)
        except (InvalidField, TypeError) as problem:
            log.error("schedule %s makes no job: %s", schedule.name, problem)  # noqa: TRY400 - not of ours
            return None

    def publish(self, result: FireResult, jobs: Sequence[DueJob]) -> FireResult:
        """Publish the messages to RabbitMQ, if that carries them."""
        if result is FireResult.FIRED:
            self.app.publish_all([job.message for job in jobs])
        return result


def find_next_fire_time(schedule: Schedule) -> float | None:
    """When the due time of a schedule is fired; None when none follows."""
    if schedule.due is None:
        return None
    return find_fire_time(schedule.plan, schedule.name, schedule.due)

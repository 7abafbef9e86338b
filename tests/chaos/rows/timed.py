"""Rows about schedules: each due time makes one job, whoever dies, and none overlaps another."""

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, pairwise
from typing import NamedTuple

from project.records.record import TaskRecord
from project.records.schedule import CatchUp, Overlap, Plan
from project.schedules.jobs import build_job_id
from project.schedules.timetable import Timetable
from project.store.commands import schedules
from tests.chaos.judge.ledger import Run
from tests.chaos.judge.row_result import RowResult
from tests.chaos.stage.cluster import START_TIMEOUT_SECONDS
from tests.chaos.stage.scale import ChaosScale
from tests.chaos.stage.scene import ChaosScene, ChaosStage

LONG_SCHEDULES = 2
OVERLAPPING_SCHEDULES = 20
LONG_SECONDS = 1.4
"""A job of these runs longer than the interval of its schedule, and may not overlap the next."""

VALKEY_IN = 3
"""Which one of so many kills is also one of Valkey."""

RESUME_SECONDS = 0.5
"""Seconds from when all workers are ready until what is due counts as late."""


class ChaosSchedule(NamedTuple):
    """A schedule of the row, and its first due time."""

    name: str
    plan: Plan
    first: int


class Outage(NamedTuple):
    """A time without a worker."""

    since: float
    until: float


def fire_schedules(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill all workers every few seconds, and often also Valkey, while schedules are due."""
    with stage("schedules", scale) as scene:
        written = [*write_short(scene, scale), *write_long(scene, LONG_SCHEDULES)]
        outages, end = [], time.monotonic() + scale.scheduled_seconds
        for number in count(1):
            scene.cluster.run_for(scale.kill_scheduled_every)
            if time.monotonic() > end:
                break
            outages.append(kill_all(scene, with_valkey=is_valkey_next(number)))
        scene.cluster.run_for(scale.kill_scheduled_every)
        return finish(scene, written, outages, scale)


def fire_long_schedules(stage: ChaosStage, scale: ChaosScale) -> RowResult:
    """Kill all workers as soon as they run jobs that are longer than their schedule's interval."""
    with stage("overlap", scale) as scene:
        written = list(write_long(scene, OVERLAPPING_SCHEDULES))
        for number in count(1):
            scene.cluster.run_for(LONG_SECONDS)
            if scene.cluster.killed >= scale.overlap_kills:
                break
            kill_all(scene, with_valkey=is_valkey_next(number))
        return finish(scene, written, [], scale)


def is_valkey_next(number: int) -> bool:
    """Whether the kill with this number is also one of Valkey."""
    return number % VALKEY_IN == VALKEY_IN - 1


def finish(
    scene: ChaosScene, written: list[ChaosSchedule], outages: list[Outage], scale: ChaosScale
) -> RowResult:
    """Stop the schedules, wait for their jobs, and judge."""
    for schedule in written:
        scene.app.store.run(schedules.pause(schedule.name))
    scene.settle(scale.patience)
    judge(scene, written, outages, scale.late_seconds)
    # how fast others take over is no question when all are dead
    return replace(scene.figures(), recovery=None)


def write_short(scene: ChaosScene, scale: ChaosScale) -> Iterator[ChaosSchedule]:
    """Write schedules of short jobs that are due at different times."""
    kind, args = scene.order("short")
    for number in range(scale.schedules):
        plan = Plan(
            kind=kind,
            args=list(args),
            every=scale.scheduled_every,
            start=number % scale.scheduled_every,
            catch_up=CatchUp.ALL,
        )
        yield write(scene, f"short-{number}", plan)


def write_long(scene: ChaosScene, wanted: int) -> Iterator[ChaosSchedule]:
    """Write schedules whose jobs run longer than until the next due time."""
    kind, args = scene.order("long", LONG_SECONDS)
    for number in range(wanted):
        plan = Plan(kind=kind, args=list(args), every=1, overlap=Overlap.SKIP)
        yield write(scene, f"long-{number}", plan)


def write(scene: ChaosScene, name: str, plan: Plan) -> ChaosSchedule:
    """Write a schedule."""
    first = Timetable(plan).find_next(int(time.time()) + 1)
    assert first is not None
    scene.app.store.run(schedules.put(name, plan, due=first, fire_at=first))
    return ChaosSchedule(name, plan, first)


def kill_all(scene: ChaosScene, *, with_valkey: bool) -> Outage:
    """Kill all workers and maybe Valkey, and wait until all workers are ready."""
    since = scene.cluster.kill_everything().at
    if with_valkey:
        scene.cluster.kill_valkey()
        scene.cluster.restart_valkey()
    scene.cluster.run_for(0.1)
    scene.cluster.wait_until(
        lambda: all(member.is_ready for member in scene.cluster.members), START_TIMEOUT_SECONDS
    )
    return Outage(since, time.time() + RESUME_SECONDS)


def judge(
    scene: ChaosScene, written: list[ChaosSchedule], outages: list[Outage], limit: float
) -> None:
    """Check that each due time has one job, in time, and that no job overlaps another."""
    missed, lateness, expected = 0, list[float](), set[str]()
    overlaps = 0
    for schedule in written:
        records = dict(read_jobs(scene, schedule))
        found = {due: record for due, record in records.items() if record}
        scene.kind_by_id |= {record.id: record.kind for record in found.values()}
        expected |= {record.id for record in found.values()}
        if schedule.plan.overlap is Overlap.SKIP:
            overlaps += count_overlaps(scene, [record.id for record in found.values()])
            continue
        missed += len(records) - len(found)
        lateness += [measure_lateness(due, each, outages) for due, each in found.items()]
    surplus = scene.account().by_job.keys() - expected
    late = sorted(lateness)[int(len(lateness) * 0.99)] if lateness else 0.0
    scene.notes |= {"due times": len(lateness) + missed, "late p99": round(late, 3)}
    scene.notes["kills of all workers"] = len(outages)
    for number, what in ((missed, "due times missed"), (len(surplus), "jobs of no due time")):
        if number:
            scene.faults.append(f"{number} {what}")
    if overlaps:
        scene.faults.append(f"{overlaps} jobs of a schedule ran beside the one before")
    if late > limit:
        scene.faults.append(f"1 % of the jobs are more than {late:.1f} s late")


def read_jobs(
    scene: ChaosScene, schedule: ChaosSchedule
) -> Iterator[tuple[int, TaskRecord | None]]:
    """Each due time that was fired or skipped, with the record of its job."""
    _, now = scene.app.store.run(schedules.read(schedule.name))
    for due in Timetable(schedule.plan).iterate(schedule.first - 1):
        if due >= now.due:
            return
        yield due, scene.record(build_job_id(schedule.name, due))


def measure_lateness(due: int, record: TaskRecord, outages: list[Outage]) -> float:
    """Seconds from a due time until its job was made, without those in which no worker lived."""
    ready = max((each.until for each in outages if each.since <= due < each.until), default=due)
    hit = [each for each in outages if due <= each.since < record.created_at]
    return max(record.created_at - max([ready, *(each.until for each in hit)]), 0.0)


def count_overlaps(scene: ChaosScene, ids: list[str]) -> int:
    """How many jobs of a schedule ran while the job before did."""
    by_job = scene.account().by_job
    jobs = sorted((by_job[job] for job in ids if by_job[job]), key=lambda runs: runs[0].began_at)
    return sum(is_beside(before, after) for before, after in pairwise(jobs))


def is_beside(before: list[Run], after: list[Run]) -> bool:
    """Whether a job began before the runs of another were over."""
    return any(run.over_at is None or run.over_at > after[0].began_at for run in before)

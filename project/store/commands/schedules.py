"""Commands of schedules: written, read, paused, and fired when they are due."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from project.records.record import TaskStatus
from project.records.schedule import Firing, Overlap, Plan, Schedule
from project.store.commands.command import (
    Argument,
    Command,
    decode_texts,
    encode_json,
    new_call_id,
)
from project.store.commands.message import JobArguments, Message, build_job_arguments

NEVER = "+inf"
ABSENT = "-"
"""As the revision that is expected: there is no such schedule."""

_PLAN = msgspec.json.Decoder(Plan)


class PutResult(StrEnum):
    """What became of a schedule that was to be written."""

    CREATED = "created"
    CHANGED = "changed"
    SAME = "same"
    """It says so already; where it stands is not touched."""
    CONFLICT = "conflict"
    """It is not the revision that was expected."""
    FOREIGN = "foreign"
    """It is written in the code and the caller is not, or the other way round."""
    FULL = "full"
    """Its tenant has as many as are allowed."""


class DeleteResult(StrEnum):
    """What became of a schedule that was to be deleted."""

    DELETED = "deleted"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    FOREIGN = "foreign"


class FireResult(StrEnum):
    """What became of a due time."""

    FIRED = "fired"
    SKIPPED = "skipped"
    HELD = "held"
    """Its job waits for the end of the last one."""
    PAUSED = "paused"
    """Too many jobs in a row have failed: the schedule is paused."""
    CHANGED = "changed"
    """The schedule is not as it was read; nothing was done."""


class DueJob(NamedTuple):
    """The message of a job, and the due time that it is for."""

    due: int
    message: Message


class DueFiring(NamedTuple):
    """What is to be done about the due time of a schedule, as it was read.

    ``following`` is the next due time, None when there is none. ``fire_at`` and ``next_at`` are
    when the two are fired. ``missed``: how many due times get no job. ``is_invalid``: no job can be
    made.
    """

    schedule: Schedule
    jobs: Sequence[DueJob]
    fire_at: float
    following: int | None
    next_at: float | None
    missed: int = 0
    is_invalid: bool = False


class DueSchedules(NamedTuple):
    """Schedules that are due; ``at`` is the time, ``next_in`` the seconds until more are due."""

    at: float
    next_in: float | None
    schedules: list[Schedule]


class SchedulePage(NamedTuple):
    """Some of ``total`` schedules."""

    total: int
    schedules: list[Schedule]


class DueJobArguments(JobArguments, omit_defaults=True, kw_only=True):
    """A job of a schedule; ``due_at`` is its due time."""

    due_at: int


class FireArguments(msgspec.Struct, kw_only=True):
    """A due time and what is to be done about it; see ``schedules/fire.lua``."""

    name: str
    revision: str
    due: str
    fire_at: float
    next: str | msgspec.UnsetType
    next_at: float | msgspec.UnsetType
    overlap: Overlap
    pause_after: int
    missed: int
    invalid: bool
    jobs: list[DueJobArguments]


class ReleaseArguments(msgspec.Struct, kw_only=True):
    """A due time whose job waits; see ``schedules/release.lua``."""

    name: str
    revision: str
    waiting: str
    next_at: float | msgspec.UnsetType
    jobs: list[DueJobArguments]


class RunArguments(msgspec.Struct, kw_only=True):
    """Jobs of a schedule that are not due; see ``schedules/run.lua``."""

    name: str
    overlap: Overlap
    what: str
    jobs: list[DueJobArguments]


class RunResult(NamedTuple):
    """How many jobs were made; ``unfinished`` is the id of a job that has to end first."""

    is_known: bool
    made: int = 0
    unfinished: str = ""


def put(
    name: str,
    plan: Plan,
    *,
    due: int | None,
    fire_at: float | None,
    expected: str = "",
    limit: int = 0,
    revision: str = "",
) -> Command[PutResult]:
    """Write a schedule, whose next due time is ``due``.

    ``expected`` is the revision that it must have, ``ABSENT`` for none, "" for any. ``limit``: how
    many its tenant may have, 0 for any number.
    """
    arguments = (
        name,
        revision or new_call_id(),
        msgspec.json.encode(plan, order="deterministic").decode(),
        plan.source,
        "" if due is None else due,
        NEVER if fire_at is None else fire_at,
        expected,
        limit,
    )
    return Command("schedules/put", arguments, lambda answer: PutResult(answer.decode()))


def delete(name: str, *, expected: str = "", source: str = "api") -> Command[DeleteResult]:
    """Delete a schedule; its jobs stay."""
    return Command(
        "schedules/delete",
        (name, expected, source),
        lambda answer: DeleteResult(answer.decode()),
    )


def pause(name: str) -> Command[bool]:
    """Pause a schedule. False: there is none."""
    return Command("schedules/pause", (name,), bool)


def resume(name: str, revision: str, *, due: int | None, fire_at: float | None) -> Command[bool]:
    """Resume a schedule, whose next due time is ``due``. False: it has changed."""
    arguments: list[Argument] = [name, revision, "" if due is None else due]
    return Command("schedules/resume", [*arguments, NEVER if fire_at is None else fire_at], bool)


def read(name: str) -> Command[tuple[float, Schedule | None]]:
    """The time in Redis, and the schedule; None when there is none."""

    def parse(answer: list[Any]) -> tuple[float, Schedule | None]:
        at, row = float(answer[0]), answer[1]
        return at, parse_schedule(row, at) if row else None

    return Command("schedules/read", (name,), parse)


def list_page(tenant: str, offset: int, limit: int) -> Command[SchedulePage]:
    """Some schedules of a tenant, "" for all, those that are due first."""

    def parse(answer: list[Any]) -> SchedulePage:
        at, total, rows = answer
        return SchedulePage(total, [parse_schedule(row, float(at)) for row in rows if row])

    return Command("schedules/list", (tenant, offset, limit), parse)


def list_history(name: str) -> Command[list[Firing]]:
    """What was done about the due times of a schedule, newest first."""

    def parse(answer: list[bytes]) -> list[Firing]:
        pairs = zip(answer[::2], answer[1::2], strict=True)
        return [parse_firing(line, status) for line, status in pairs]

    return Command("schedules/list_history", (name,), parse)


def list_due(most: int, place: float) -> Command[DueSchedules]:
    """Schedules that are due, from a place among them, which is a number from 0 to 1."""

    def parse(answer: list[Any]) -> DueSchedules:
        at, first, rows = answer
        next_in = max(float(first) - float(at), 0.0) if first else None
        due = [parse_readable(row, float(at)) for row in rows]
        return DueSchedules(float(at), next_in, [each for each in due if each])

    return Command("schedules/list_due", (most, place), parse)


def fire(firings: Sequence[DueFiring]) -> Command[list[FireResult]]:
    """Make the jobs of due times, and set the next ones; what became of each, in order."""
    about = [build_fire_arguments(each) for each in firings]
    jobs = [job for each in firings for job in each.jobs]

    def parse(answer: list[bytes]) -> list[FireResult]:
        return [FireResult(result.decode()) for result in answer]

    return Command("schedules/fire", build_arguments(about, jobs), parse)


def build_fire_arguments(firing: DueFiring) -> FireArguments:
    """A due time as the script takes it."""
    schedule, plan = firing.schedule, firing.schedule.plan
    return FireArguments(
        name=schedule.name,
        revision=schedule.revision,
        due=str(schedule.due),
        fire_at=firing.fire_at,
        next=msgspec.UNSET if firing.following is None else str(firing.following),
        next_at=msgspec.UNSET if firing.next_at is None else firing.next_at,
        overlap=plan.overlap,
        pause_after=plan.pause_after,
        missed=firing.missed,
        invalid=firing.is_invalid,
        jobs=build_due_jobs(firing.jobs),
    )


def release(schedule: Schedule, job: DueJob, *, next_at: float | None) -> Command[FireResult]:
    """Make the job that waited for the end of the last one; the next is fired at ``next_at``."""
    about = ReleaseArguments(
        name=schedule.name,
        revision=schedule.revision,
        waiting=str(job.due),
        next_at=msgspec.UNSET if next_at is None else next_at,
        jobs=build_due_jobs([job]),
    )
    return Command(
        "schedules/release",
        build_arguments(about, [job]),
        lambda answer: FireResult(answer.decode()),
    )


def run(
    name: str, jobs: Sequence[DueJob], *, overlap: Overlap, what: str = "run"
) -> Command[RunResult]:
    """Make jobs of a schedule that are not due. ``what`` is ``run`` or ``backfilled``."""

    def parse(answer: list[Any]) -> RunResult:
        if answer[0] == b"unfinished":
            return RunResult(is_known=True, unfinished=answer[1].decode())
        if answer[0] == b"unknown":
            return RunResult(is_known=False)
        return RunResult(is_known=True, made=answer[1])

    about = RunArguments(name=name, overlap=overlap, what=what, jobs=build_due_jobs(jobs))
    return Command("schedules/run", build_arguments(about, jobs), parse)


def build_due_jobs(jobs: Sequence[DueJob]) -> list[DueJobArguments]:
    """The jobs as the scripts take them."""
    return [
        DueJobArguments(**msgspec.structs.asdict(build_job_arguments(job.message)), due_at=job.due)
        for job in jobs
    ]


def build_arguments(about: Any, jobs: Sequence[DueJob]) -> list[Argument]:
    """The arguments of a script that makes jobs of a schedule."""
    arguments: list[Argument] = [new_call_id(), encode_json(about)]
    for job in jobs:
        arguments += (job.message.payload, job.message.text)
    return arguments


def parse_schedule(row: Sequence[bytes], at: float) -> Schedule:
    """A schedule from the row that ``describe_schedule`` gives."""
    name, plan, revision, due, paused, waiting, firing, status = row
    return Schedule(
        name=name.decode(),
        revision=revision.decode(),
        plan=_PLAN.decode(plan),
        due=int(due) if due else None,
        paused=paused.decode(),
        waiting=int(waiting) if waiting else None,
        last=parse_firing(firing, status) if firing else None,
        at=at,
    )


def parse_readable(row: Sequence[bytes], at: float) -> Schedule | None:
    """A schedule from its row; None when a newer version has written what this one cannot read."""
    try:
        return parse_schedule(row, at)
    except (msgspec.DecodeError, ValueError):
        return None


def parse_firing(line: bytes, status: bytes) -> Firing:
    """An entry of the history from its line."""
    due, at, what, count, job = decode_texts(line.split(b" ", 4))
    known = TaskStatus(status.decode()) if status else None
    return Firing(int(float(due)), float(at), what, int(count), job, known)

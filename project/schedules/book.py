"""``app.schedules``: schedules, for code that blocks. The API has its own, for an event loop.

::

    app.schedules.put("monthly", "report", cron("0 7 1 * *", zone="Europe/Berlin"),
                      kwargs={"type": "monthly", "filters": {"month": "{{ month before due }}"}})
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import uuid4

from project.errors import InvalidField
from project.payload.conversion import to_json
from project.payload.payload import convert_all
from project.records.schedule import (
    MAX_NAME_CHARACTERS,
    Firing,
    Plan,
    Schedule,
    Timing,
    full_name,
)
from project.schedules.jobs import build_message, check_call
from project.schedules.timetable import Timetable, find_fire_time
from project.schedules.timing import check_timing, copy_timing
from project.store.commands import schedules
from project.store.commands.command import Command
from project.store.commands.schedules import ABSENT, DueJob, PutResult
from project.text import is_line

MAX_TRIES = 8
"""How often a schedule is read and written again when others write it at the same time."""

FOREIGN = "is declared in the code, which alone can change it; it can be paused"


class ScheduleBook:
    """Writes, reads, pauses and runs schedules; a ``tenant`` has names of its own."""

    def __init__(self, app: Any, tenant: str = "") -> None:
        self.app = app
        self.tenant = tenant

    def put(
        self,
        name: str,
        kind: str,
        when: Timing,
        *,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Schedule:
        """Write a schedule, and return it as it stands then.

        ``options`` are those of ``apply_async``. A schedule that says so already is not touched.
        Raises ``InvalidField`` and ``StoreUnavailable``.
        """
        plan = build_plan(kind, when, args, kwargs or {}, options, source="python")
        self.write(name, plan)
        written = self.get(name)
        assert written is not None  # noqa: S101 - it was written, and only the caller deletes it
        return written

    def write(self, name: str, plan: Plan) -> PutResult:
        """Write a plan. Raises ``InvalidField``."""
        place = full_name(check_name(name), self.tenant)
        for _ in range(MAX_TRIES):  # a request that the network delivers late changes nothing
            at, before = self.app.store.run(schedules.read(place))
            expected = before.revision if before else ABSENT
            move = build_put(self.app, place, plan, at, expected=expected)
            result: PutResult = self.app.store.run(move)
            if result is PutResult.FOREIGN:
                raise InvalidField("name", f"{name!r} {FOREIGN}")
            if result is not PutResult.CONFLICT:
                return result
        raise InvalidField("name", f"{name!r} is written by others all the time; try again")

    def get(self, name: str) -> Schedule | None:
        """A schedule, None when there is none."""
        _, found = self.app.store.run(schedules.read(full_name(name, self.tenant)))
        schedule: Schedule | None = found
        return schedule

    def delete(self, name: str) -> bool:
        """Delete a schedule; its jobs stay. False: there is none, or it is in the code."""
        move = schedules.delete(full_name(name, self.tenant))
        return bool(self.app.store.run(move) is schedules.DeleteResult.DELETED)

    def pause(self, name: str) -> bool:
        """Pause a schedule. False: there is none."""
        return bool(self.app.store.run(schedules.pause(full_name(name, self.tenant))))

    def resume(self, name: str) -> bool:
        """Resume a schedule; due times of the pause get no job. False: there is none."""
        schedule = self.get(name)
        return schedule is not None and bool(self.app.store.run(build_resume(schedule)))

    def run(self, name: str) -> str | None:
        """Make a job of a schedule now; its id, None when the last job has to end first."""
        schedule = self.get(name)
        if schedule is None:
            raise InvalidField("name", f"there is no schedule {name!r}")
        job = build_job_now(self.app, schedule)
        result = self.app.store.run(
            schedules.run(schedule.name, [job], overlap=schedule.plan.overlap)
        )
        self.app.publish_all([job.message] if result.made else [])
        return job.message.id if result.made else None

    def history(self, name: str) -> list[Firing]:
        """What was done about the due times of a schedule, newest first."""
        found: list[Firing] = self.app.store.run(
            schedules.list_history(full_name(name, self.tenant))
        )
        return found


def build_plan(
    kind: str,
    when: Timing,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    options: Mapping[str, Any],
    source: Literal["api", "python", "code"],
) -> Plan:
    """A plan of a call and a timing. Raises ``InvalidField``."""
    check_timing(when)
    plan: Plan = convert_all(
        {
            "kind": kind,
            "args": to_json(list(args)),
            "kwargs": to_json(dict(kwargs)),
            "options": to_json(dict(options)),
            "source": source,
        }
        | to_json(copy_timing(when)),
        Plan,
    )
    return plan


def check_name(name: Any) -> str:
    """The name of a schedule within its tenant. Raises ``InvalidField``."""
    is_good = isinstance(name, str) and 0 < len(name) <= MAX_NAME_CHARACTERS and is_line(name)
    if not is_good or "/" in name:
        problem = f"must be 1 to {MAX_NAME_CHARACTERS} characters that can be printed, without /"
        raise InvalidField("name", problem)
    text: str = name
    return text


def build_put(
    app: Any, name: str, plan: Plan, at: float, *, expected: str = "", limit: int = 0
) -> Command[PutResult]:
    """The command that writes a plan at a time. Raises ``InvalidField`` for a wrong plan."""
    due = Timetable(plan).find_next(int(at))
    if plan.source != "code" or plan.kind in app.tasks:  # another worker may know the kind
        check_call(app, name, plan, int(at) if due is None else due)
    return schedules.put(
        name,
        plan,
        due=due,
        fire_at=None if due is None else find_fire_time(plan, name, due),
        expected=expected,
        limit=limit,
    )


def build_resume(schedule: Schedule) -> Command[bool]:
    """The command that resumes a schedule."""
    plan, name = schedule.plan, schedule.name
    due = Timetable(plan).find_next(int(schedule.at))
    fire_at = None if due is None else find_fire_time(plan, name, due)
    return schedules.resume(name, schedule.revision, due=due, fire_at=fire_at)


def build_job_now(app: Any, schedule: Schedule) -> DueJob:
    """A job of a schedule that is due now. Raises ``InvalidField``."""
    due = int(schedule.at)
    return DueJob(due, build_message(app, schedule.name, schedule.plan, due, str(uuid4())))

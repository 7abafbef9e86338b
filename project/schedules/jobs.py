"""The jobs of a schedule: their ids, their messages, and which due times get one."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, uuid5

from celery.exceptions import NotRegistered

from project.errors import InvalidField
from project.records.schedule import MAX_CAUGHT_UP, CatchUp, Plan, own_name_of, tenant_of
from project.schedules.placeholders import fill_placeholders
from project.schedules.timetable import Timetable
from project.store.commands.message import Message
from project.store.commands.schedules import DueJob

LATE_SECONDS = 60
"""Without ``catch_up``, a due time that nobody could fire for so long is missed."""

REFUSED_OPTIONS = {
    "unique": "a schedule has overlap, which says what happens while its last job has not ended",
    "task_id": "the id of a job follows from the schedule and the due time",
    "eta": "the schedule says when its jobs run",
    "countdown": "the schedule says when its jobs run",
}


class ChosenTimes(NamedTuple):
    """The due times that get a job now, and how many get none."""

    fired: list[int]
    missed: int


def choose_due_times(plan: Plan, due: int, at: float) -> ChosenTimes:
    """Choose among the times from ``due`` to ``at``, the time now, those that get a job.

    Counts at most ``MAX_CAUGHT_UP`` of those that get none.
    """
    now = int(at)
    passed = Timetable(plan).list_latest(due, now, MAX_CAUGHT_UP) or [due]
    if plan.catch_up is CatchUp.ALL:
        recent = [each for each in passed if each > now - plan.catch_up_window]
        fired = recent[-plan.catch_up_limit :]
    elif plan.catch_up is CatchUp.NONE and now - passed[-1] > plan.jitter + LATE_SECONDS:
        fired = []
    else:
        fired = passed[-1:]
    return ChosenTimes(fired, len(passed) - len(fired))


def build_job_id(name: str, due: int) -> str:
    """The id of the job of a due time."""
    return str(uuid5(NAMESPACE_OID, f"{name} {due}"))


def build_due_jobs(app: Any, name: str, plan: Plan, times: Iterable[int]) -> list[DueJob]:
    """The jobs of some due times. Raises ``InvalidField``."""
    return [
        DueJob(due, build_message(app, name, plan, due, build_job_id(name, due))) for due in times
    ]


def build_message(app: Any, name: str, plan: Plan, due: int, job_id: str) -> Message:
    """The message of a job for a due time. Raises ``InvalidField``."""
    args, kwargs = fill_placeholders([plan.args, plan.kwargs], due, plan.zone)
    task = find_kind(app, plan.kind)
    message: Message = task.message(
        args, kwargs, tenant=tenant_of(name), task_id=job_id, **plan.options
    )
    # the schedule says what happens while its last job runs
    return message._replace(unique=None, schedule=own_name_of(name))


def find_kind(app: Any, kind: str) -> Any:
    """The task of a kind. Raises ``InvalidField``."""
    try:
        return app.kind(kind)
    except NotRegistered:
        raise InvalidField("kind", f"{kind!r} is not known here") from None


def check_call(app: Any, name: str, plan: Plan, due: int) -> None:
    """Raise ``InvalidField`` unless a job can be made for a due time."""
    for option, problem in REFUSED_OPTIONS.items():
        if option in plan.options:
            raise InvalidField(option, f"is not an option of a schedule: {problem}")
    try:
        build_message(app, name, plan, due, "checked")
    except TypeError as problem:  # the call does not fit the function
        raise InvalidField("kwargs", str(problem)) from None

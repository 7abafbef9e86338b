"""Schedules that stand in the code: of ``@app.task(schedule=...)``, and Celery's ``beat_schedule``.

Each worker writes those that it knows when it starts. What Celery can say and a plan cannot, such
as an interval of half a second or a schedule of one's own class, stays with ``beat``.
"""

import logging
from typing import Any

from celery.beat import ScheduleEntry
from celery.schedules import crontab, schedule

from project.errors import InvalidField
from project.records.schedule import Plan, Timing
from project.schedules.book import ScheduleBook, build_plan, check_name
from project.schedules.jobs import REFUSED_OPTIONS
from project.schedules.timing import cron, every
from project.store.commands import schedules
from project.store.commands.schedules import DeleteResult

log = logging.getLogger(__name__)

PAGE = 200
CELERY_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
"""The fields of a ``crontab`` in the order of a cron expression."""

DAY, WEEKDAY = 2, 4


def collect_plans(app: Any) -> dict[str, Plan]:
    """The plans in the code, by the names of their schedules."""
    declared = {
        task.name: build_plan(task.name, task.schedule, (), {}, {}, source="code")
        for task in app.tasks.values()
        if isinstance(getattr(task, "schedule", None), Timing)
    }
    return declared | collect_beat_plans(app)


def collect_beat_plans(app: Any) -> dict[str, Plan]:
    """The plans of the entries of ``beat_schedule`` that can be plans, by name."""
    found = {
        name: plan_of_entry(app, name, app.conf.beat_schedule[name])
        for name in app.conf.beat_schedule
    }
    return {name: plan for name, plan in found.items() if plan is not None}


def plan_of_entry(app: Any, name: str, entry: Any) -> Plan | None:
    """The plan of an entry of ``beat_schedule``; None when no plan says the same."""
    try:
        is_entry = isinstance(entry, ScheduleEntry)
        given = entry if is_entry else ScheduleEntry(**entry, name=name, app=app)
        check_name(name)
        timing = read_celery_schedule(given.schedule, str(app.conf.timezone or "UTC"))
        if timing is None or not REFUSED_OPTIONS.keys().isdisjoint(given.options):
            return None
        return build_plan(
            given.task, timing, given.args, given.kwargs, given.options, source="code"
        )
    except (InvalidField, TypeError) as problem:
        log.info("beat keeps %s: %s", name, problem)
        return None


def read_celery_schedule(when: Any, zone: str) -> Timing | None:
    """The timing of a schedule of Celery's; None when a timing cannot say it.

    Celery wants both the day of the month and that of the week; a cron expression one of them.
    """
    if type(when) is crontab:
        fields = [write_field(getattr(when, f"_orig_{name}")) for name in CELERY_FIELDS]
        if not (fields[DAY].startswith("*") or fields[WEEKDAY].startswith("*")):
            return None
        return cron(" ".join(fields), zone=zone)
    if type(when) is schedule and when.run_every.total_seconds().is_integer():
        return every(int(when.run_every.total_seconds())) if when.run_every else None
    return None


def write_field(value: Any) -> str:
    """A field of Celery's ``crontab``, a number, a text or several of them, as cron has it."""
    if isinstance(value, int):
        return str(value)
    parts = value.split(",") if isinstance(value, str) else map(str, value)
    return ",".join(part.strip() for part in parts)


def write_plans(app: Any) -> None:
    """Write the schedules that stand in the code. Raises ``StoreUnavailable``."""
    book = ScheduleBook(app)
    for name, plan in collect_plans(app).items():
        try:
            book.write(name, plan)
        except InvalidField as problem:
            log.error("schedule %s is not written: %s", name, problem)  # noqa: TRY400 - no bug of ours


def delete_old_plans(app: Any) -> list[str]:
    """Delete schedules that stand in the code no longer; their names.

    Those of kinds that are not known here stand in the code of other workers.
    """
    known, names, offset = collect_plans(app), list[str](), 0
    while True:
        page = app.store.run(schedules.list_page("", offset, PAGE))
        names += [each.name for each in page.schedules if is_declared(app, each.plan)]
        offset += PAGE
        if offset >= page.total:
            break
    old = [name for name in names if name not in known]
    moves = [(name, app.store.run(schedules.delete(name, source="code"))) for name in old]
    return [name for name, result in moves if result is DeleteResult.DELETED]


def is_declared(app: Any, plan: Plan) -> bool:
    """Whether a plan stands in the code, or stood there, and its kind is known here."""
    return plan.source == "code" and plan.kind in app.tasks

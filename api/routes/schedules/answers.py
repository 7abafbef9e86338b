"""Schedules as clients see them, and how a route finds the one that its path names."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request
from api.jobs.scheduled_orders import show_order
from project.celery import app
from project.errors import InvalidField
from project.records.record import TaskStatus
from project.records.schedule import CatchUp, Firing, Overlap, Schedule, Timing, full_name
from project.schedules.book import check_name
from project.schedules.cron import read_cron
from project.schedules.timetable import Timetable, find_fire_time, read_zone
from project.schedules.timing import copy_timing
from project.settings.api_keys import IS_TENANT
from project.store.commands import schedules

PATH = "/schedules"
ONE = PATH + "/{name}"

TAGGED = {"ETag": "Identifies this version of the schedule, for If-Match."}


class ShownFiring(msgspec.Struct, frozen=True):
    """What was done about a due time, and when.

    ``what`` is ``fired``, ``run`` or ``backfilled`` when a job was made; ``overlap``, ``missed``,
    ``duplicate`` or ``invalid`` when none was; ``paused`` and ``resumed`` note these. ``count``:
    how many due times it is about. ``status`` is that of the job now, null when there is none.
    """

    due: int
    at: float
    what: str
    count: int
    job: str | None
    status: TaskStatus | None


class ShownSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule, and where it stands.

    ``next`` is when its next job is due, null when none follows. ``late`` is how many seconds that
    job is late. ``paused`` says why it is paused, null that it is not. ``waiting`` is a due time
    whose job waits for the end of the last job. ``words`` says the cron expression in English.
    ``source``: ``api``, ``python``, or ``code``, which only the code can change.
    """

    name: str
    tenant: str | msgspec.UnsetType = msgspec.UNSET
    source: str
    order: dict[str, Any]
    cron: str
    every: int
    at: list[int]
    zone: str
    start: int | None
    end: int | None
    jitter: int
    overlap: Overlap
    catch_up: CatchUp
    catch_up_limit: int
    catch_up_window: int
    pause_after: int
    words: str
    next: int | None
    late: float
    paused: str | None
    waiting: int | None
    last: ShownFiring | None


class ScheduleList(msgspec.Struct, frozen=True):
    """A page of schedules, those that are due first at the top; paused ones come last.

    ``total`` is how many there are; ``next_offset`` asks for the next page, null on the last.
    """

    schedules: list[ShownSchedule]
    total: int
    next_offset: int | None


class DueTime(msgspec.Struct, frozen=True):
    """A time: in seconds since 1970, in UTC, and as the clocks of the zone show it."""

    at: int
    utc: str
    local: str


class DueTimes(msgspec.Struct, frozen=True):
    """The next times of a schedule; ``words`` says its cron expression in English."""

    zone: str
    words: str
    times: list[DueTime]


def find_name(request: Request) -> str:
    """The name of the schedule among those of all tenants.

    A caller for all tenants names one of a tenant ``tenant/name``. Raises ``InvalidField``.
    """
    name = request.params["name"]
    tenant, slash, own = name.rpartition("/")
    if not slash or request.tenant:
        return full_name(check_name(name), request.tenant)
    if not IS_TENANT(tenant):
        raise InvalidField("name", "may begin with the name of a tenant and /, and no other /")
    return full_name(check_name(own), tenant)


async def fetch_schedule(request: Request) -> Schedule:
    """The schedule that the path names. Raises ``Problem`` 404, also for what is no name."""
    schedule = None
    with suppress(InvalidField):
        _, schedule = await app.async_store.run(schedules.read(find_name(request)))
    return require_known(schedule, request)


def require_known(schedule: Schedule | None, request: Request) -> Schedule:
    """The schedule. Raises ``Problem`` 404 when there is none."""
    if schedule is None:
        raise Problem(404, f"There is no schedule {request.params['name'][:100]!r}")
    return schedule


def answer_schedule(schedule: Schedule, request: Request) -> Answer:
    """The schedule with its version, which the ETag tells."""
    return Answer(show_schedule(schedule, request), version=schedule.revision)


def show_schedule(schedule: Schedule, request: Request) -> ShownSchedule:
    """A schedule as the caller sees it: a caller for all tenants is told the tenant."""
    plan = schedule.plan
    shows_tenant = schedule.tenant and not request.tenant
    timing = copy_timing(plan) | {"at": list(plan.at)}
    return ShownSchedule(
        name=schedule.own_name,
        tenant=schedule.tenant if shows_tenant else msgspec.UNSET,
        source=plan.source,
        order=show_order(plan),
        words=explain(plan),
        next=None if schedule.paused else schedule.due,
        late=compute_lateness(schedule),
        paused=schedule.paused or None,
        waiting=schedule.waiting,
        last=show_firing(schedule.last) if schedule.last else None,
        **timing,
    )


def compute_lateness(schedule: Schedule) -> float:
    """How many seconds the next job is late."""
    if schedule.due is None or schedule.paused:
        return 0.0
    fire_at = find_fire_time(schedule.plan, schedule.name, schedule.due)
    return round(max(schedule.at - fire_at, 0.0), 3)


def show_firing(firing: Firing) -> ShownFiring:
    """An entry of the history as clients see it."""
    return ShownFiring(
        firing.due, firing.at, firing.what, firing.count, firing.job or None, firing.status
    )


def explain(timing: Timing) -> str:
    """A cron expression in English; "" when there is none."""
    return read_cron(timing.cron).explain() if timing.cron else ""


def describe_times(timing: Timing, after: int, most: int) -> DueTimes:
    """The next times of a timing."""
    zone = read_zone(timing.zone)
    times = [
        DueTime(
            due,
            f"{datetime.fromtimestamp(due, UTC):%Y-%m-%dT%H:%M:%SZ}",
            datetime.fromtimestamp(due, zone).isoformat(),
        )
        for due in Timetable(timing).list_next(after, most)
    ]
    return DueTimes(timing.zone, explain(timing), times)

"""Routes about the jobs of schedules: when they come, what came, and jobs by hand."""

import asyncio
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, ClassVar

import msgspec

from api.http.offload import run_apart
from api.http.problems import FieldError, Problem
from api.http.routing import Answer, Request, Router
from api.jobs.orders import POLL_SECONDS
from api.jobs.records import fetch_record
from api.jobs.scheduled_orders import ScheduleTiming
from api.routes.schedules.answers import (
    ONE,
    PATH,
    TAGGED,
    DueTimes,
    ShownFiring,
    ShownSchedule,
    answer_schedule,
    describe_times,
    fetch_schedule,
    show_firing,
)
from project.celery import app
from project.records.record import TaskRecord
from project.records.schedule import Moment, Overlap, Plan, Schedule
from project.schedules.book import build_job_now, build_resume
from project.schedules.jobs import build_due_jobs
from project.schedules.timetable import Timetable
from project.schedules.timing import check_timing
from project.store.commands import schedules
from project.store.commands.schedules import DueJob, SchedulePage

MAX_BACKFILL = 1_000
SMALL_BACKFILL = 20
"""So many messages are built in a few milliseconds."""

MAX_TIMES = 100
HOUR_SECONDS = 3_600
HOURS_OF_A_DAY = 24
MAX_SHOWN_SCHEDULES = 200
MAX_SHOWN_TIMES = 20_000
MAX_SHOWN_NAMES = 10

routes = Router()


class TimesQuery(msgspec.Struct, frozen=True):
    """How many times."""

    n: Annotated[int, msgspec.Meta(ge=1, le=MAX_TIMES)] = 10


class ScheduleHistory(msgspec.Struct, frozen=True):
    """What a schedule did, newest first, at most 100 entries."""

    history: list[ShownFiring]


class CalendarHour(msgspec.Struct, frozen=True):
    """An hour: when it begins, how many jobs are due in it, and some of their schedules."""

    at: int
    jobs: int
    schedules: list[str]


class Calendar(msgspec.Struct, frozen=True):
    """The coming 24 hours; ``complete`` is false when there are more due times than shown."""

    hours: list[CalendarHour]
    complete: bool


class Backfill(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """The due times to make jobs for, both ends included. A dry run only counts them."""

    example: ClassVar[dict[str, Any]] = {
        "from": 1_735_689_600,
        "to": 1_738_368_000,
        "dry_run": True,
    }

    since: Moment
    to: Moment
    dry_run: bool = False


class BackfillResult(msgspec.Struct, frozen=True):
    """How many due times there are, the first and last of them, and how many jobs were made.

    A due time whose job exists gets no second one.
    """

    count: int
    first: int | None
    last: int | None
    made: int


@routes.post(
    PATH + "/preview",
    body=ScheduleTiming,
    query=TimesQuery,
    scope="read",
    answers={200: DueTimes},
    errors=(),
    summary="Show the times of a schedule that is not written yet",
    tags=["schedules"],
)
async def preview_times(_: Request, query: TimesQuery, body: ScheduleTiming) -> Answer:
    """Answer the next times."""
    check_timing(body)
    return Answer(describe_times(body, int(datetime.now(UTC).timestamp()), query.n))


@routes.post(
    ONE + "/pause",
    scope="control",
    answers={200: ShownSchedule},
    errors=(404, 503),
    answer_headers={200: TAGGED},
    summary="Pause a schedule",
    tags=["schedules"],
)
async def pause_schedule(request: Request) -> Answer:
    """Pause the schedule; a paused one stays paused."""
    schedule = await fetch_schedule(request)
    await app.async_store.run(schedules.pause(schedule.name))
    return answer_schedule(await fetch_schedule(request), request)


@routes.post(
    ONE + "/resume",
    scope="control",
    answers={200: ShownSchedule},
    errors=(404, 409, 503),
    answer_headers={200: TAGGED},
    summary="Resume a schedule",
    description="The due times of its pause get no job; a backfill makes them.",
    tags=["schedules"],
)
async def resume_schedule(request: Request) -> Answer:
    """Resume the schedule; one that is not paused stays as it is."""
    schedule = await fetch_schedule(request)
    if not await app.async_store.run(build_resume(schedule)):
        raise Problem(409, "The schedule was changed meanwhile: send the request again")
    return answer_schedule(await fetch_schedule(request), request)


@routes.post(
    ONE + "/run",
    scope="control",
    answers={202: TaskRecord},
    errors=(404, 409, 503),
    answer_headers={202: {"Location": "The record.", "Retry-After": "Seconds until to ask."}},
    summary="Make a job of a schedule now",
    description="409 when its last job has not ended and jobs of the schedule may not overlap.",
    tags=["schedules"],
)
async def run_schedule(request: Request) -> Answer:
    """Make a job; the next due time stays as it is."""
    schedule = await fetch_schedule(request)
    job = build_job_now(app, schedule)
    await make_jobs(schedule, [job], "run")
    record = await fetch_record(job.message.id, request)
    headers = {"Location": f"/tasks/{record.id}", "Retry-After": str(POLL_SECONDS)}
    return Answer(record, 202, headers)


@routes.post(
    ONE + "/backfill",
    body=Backfill,
    scope="control",
    answers={200: BackfillResult},
    errors=(404, 409, 503),
    summary="Make the jobs of past due times",
    description="At most 1,000. Needs overlap: allow, as the jobs run beside each other.",
    tags=["schedules"],
)
async def backfill_schedule(request: Request, body: Backfill) -> Answer:
    """Make a job for each due time that has none."""
    schedule = await fetch_schedule(request)
    if body.to < body.since or body.to > schedule.at:
        detail = "must not be before from, nor after now"
        raise Problem(422, f"to: {detail}", errors=[FieldError(pointer="/to", detail=detail)])
    times = list_times(schedule.plan, body.since, body.to)
    result = BackfillResult(
        len(times), times[0] if times else None, times[-1] if times else None, 0
    )
    if body.dry_run or not times:
        return Answer(result)
    if len(times) > 1 and schedule.plan.overlap is not Overlap.ALLOW:
        raise Problem(409, "The jobs of a backfill run beside each other: set overlap to allow")
    jobs = await run_apart(
        build_due_jobs,
        app,
        schedule.name,
        schedule.plan,
        times,
        is_large=len(times) > SMALL_BACKFILL,
    )
    made = await make_jobs(schedule, jobs, "backfilled")
    return Answer(msgspec.structs.replace(result, made=made))


@routes.get(
    ONE + "/times",
    query=TimesQuery,
    answers={200: DueTimes},
    errors=(404, 503),
    summary="Show the next times of a schedule",
    tags=["schedules"],
)
async def show_times(request: Request, query: TimesQuery) -> Answer:
    """Answer the next times in the zone of the schedule and in UTC."""
    schedule = await fetch_schedule(request)
    return Answer(describe_times(schedule.plan, int(schedule.at), query.n))


@routes.get(
    ONE + "/history",
    answers={200: ScheduleHistory},
    errors=(404, 503),
    summary="Show what a schedule did",
    tags=["schedules"],
)
async def show_schedule_history(request: Request) -> Answer:
    """Answer the newest entries of the history."""
    schedule = await fetch_schedule(request)
    found = await app.async_store.run(schedules.list_history(schedule.name))
    return Answer(ScheduleHistory([show_firing(each) for each in found]))


@routes.get(
    PATH + "/calendar",
    answers={200: Calendar},
    summary="Show when the jobs of the coming day are due, hour by hour",
    description="Of at most 200 schedules, and 20,000 due times.",
    tags=["schedules"],
)
async def show_calendar(request: Request) -> Answer:
    """Answer how many jobs are due in each hour."""
    page = await app.async_store.run(schedules.list_page(request.tenant, 0, MAX_SHOWN_SCHEDULES))
    return Answer(
        await run_apart(build_calendar, page, request.tenant, is_large=page.total > SMALL_BACKFILL)
    )


def build_calendar(page: SchedulePage, tenant: str) -> Calendar:
    """The coming day of some schedules, as a tenant sees them; "" sees all."""
    now = int(max((each.at for each in page.schedules), default=0))
    first, left = now - now % HOUR_SECONDS, MAX_SHOWN_TIMES
    jobs, names = [0] * HOURS_OF_A_DAY, [list[str]() for _ in range(HOURS_OF_A_DAY)]
    for schedule in page.schedules:
        if schedule.paused:
            continue
        name = schedule.own_name if tenant else schedule.name
        for due in islice(Timetable(schedule.plan).iterate(now), left):
            hour = (due - first) // HOUR_SECONDS
            if hour >= HOURS_OF_A_DAY:
                break
            left -= 1
            jobs[hour] += 1
            if name not in names[hour][-1:]:
                names[hour].append(name)
    hours = [
        CalendarHour(first + place * HOUR_SECONDS, jobs[place], names[place][:MAX_SHOWN_NAMES])
        for place in range(HOURS_OF_A_DAY)
    ]
    return Calendar(hours, complete=left > 0 and page.total == len(page.schedules))


async def make_jobs(schedule: Schedule, jobs: list[DueJob], what: str) -> int:
    """Make jobs that are not due now; how many are new. Raises ``Problem`` 404 or 409."""
    move = schedules.run(schedule.name, jobs, overlap=schedule.plan.overlap, what=what)
    result = await app.async_store.run(move)
    if not result.is_known:
        raise Problem(404, "The schedule was deleted meanwhile")
    if result.unfinished:
        detail = f"Its job {result.unfinished} has not ended, and overlap is not allow"
        raise Problem(409, detail, members={"task_id": result.unfinished})
    if app.publisher:
        await asyncio.to_thread(app.publish_all, [job.message for job in jobs])
    return result.made


def list_times(plan: Plan, since: int, to: int) -> list[int]:
    """The due times of a backfill. Raises ``Problem`` 422 when there are too many."""
    times = list[int]()
    for due in islice(Timetable(plan).iterate(since - 1), MAX_BACKFILL + 1):
        if due > to:
            return times
        times.append(due)
    if len(times) > MAX_BACKFILL:
        raise Problem(422, f"There are more than {MAX_BACKFILL} due times: choose a shorter span")
    return times

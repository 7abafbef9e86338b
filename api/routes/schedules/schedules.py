"""Routes that write, show, list and delete schedules."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from api.http.offload import run_apart
from api.http.parsing import convert_part
from api.http.preconditions import build_changed, find_version
from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from api.jobs.scheduled_orders import ScheduleOrder, build_plan, show_order
from api.routes.schedules.answers import (
    ONE,
    PATH,
    TAGGED,
    ScheduleList,
    ShownSchedule,
    answer_schedule,
    fetch_schedule,
    find_name,
    require_known,
    show_schedule,
)
from project.celery import app
from project.records.schedule import Plan, Schedule
from project.schedules.book import FOREIGN, build_put
from project.schedules.timetable import Timetable
from project.schedules.timing import check_timing, copy_timing
from project.settings.values import get_settings
from project.store.commands import schedules
from project.store.commands.schedules import ABSENT, DeleteResult, PutResult

IF_MATCH = {"If-Match": "The ETag of the schedule: it is changed only if nobody else has."}

MAX_TRIES = 8
"""How often a schedule is read and written again when others write it at the same time."""

routes = Router()


class ScheduleListQuery(msgspec.Struct, frozen=True):
    """Which part of the list."""

    offset: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50


@routes.get(
    PATH,
    query=ScheduleListQuery,
    answers={200: ScheduleList},
    summary="List schedules, those that are due first at the top",
    tags=["schedules"],
)
async def list_schedules(request: Request, query: ScheduleListQuery) -> Answer:
    """Answer a page of the schedules of the caller."""
    page = await app.async_store.run(schedules.list_page(request.tenant, query.offset, query.limit))
    end = query.offset + query.limit
    shown = [show_schedule(each, request) for each in page.schedules]
    return Answer(ScheduleList(shown, page.total, end if end < page.total else None))


@routes.put(
    ONE,
    body=ScheduleOrder,
    answers={200: ShownSchedule, 201: ShownSchedule},
    errors=(409, 412, 503),
    request_headers=IF_MATCH,
    answer_headers={200: TAGGED, 201: TAGGED | {"Location": "The schedule."}},
    summary="Write a schedule",
    description="When the answer has come, no job of an earlier plan is made any more. A schedule "
    "that says so already is left as it is.",
    tags=["schedules"],
)
async def put_schedule(request: Request, body: ScheduleOrder) -> Answer:
    """Write the schedule that the path names."""
    return await write(request, lambda _: body)


@routes.patch(
    ONE,
    body=Annotated[dict[str, Any], msgspec.Meta(examples=[{"catch_up": "last"}])],
    answers={200: ShownSchedule},
    errors=(409, 412, 503),
    request_headers=IF_MATCH,
    answer_headers={200: TAGGED},
    summary="Change fields of a schedule",
    description="The body is a JSON merge patch (RFC 7396) of the fields that a PUT has.",
    tags=["schedules"],
)
async def patch_schedule(request: Request, body: dict[str, Any]) -> Answer:
    """Change the fields that the body has."""

    def change(before: Schedule | None) -> ScheduleOrder:
        plan = require_known(before, request).plan
        plain = msgspec.to_builtins(copy_timing(plan)) | {"order": show_order(plan)}
        changed: ScheduleOrder = convert_part(merge(plain, body), ScheduleOrder)
        return changed

    return await write(request, change)


@routes.get(
    ONE,
    answers={200: ShownSchedule},
    errors=(404, 503),
    summary="Show a schedule",
    tags=["schedules"],
)
async def show(request: Request) -> Answer:
    """Answer the schedule and where it stands."""
    return answer_schedule(await fetch_schedule(request), request)


@routes.delete(
    ONE,
    scope="control",
    answers={204: None},
    errors=(404, 409, 412, 503),
    request_headers=IF_MATCH,
    summary="Delete a schedule",
    description="Its jobs and their records stay.",
    tags=["schedules"],
)
async def delete_schedule(request: Request) -> Answer:
    """Delete the schedule that the path names."""
    schedule = await fetch_schedule(request)
    expected = find_version(request, schedule.revision, "schedule")
    is_stray = schedule.plan.kind not in app.tasks  # nobody will write it again
    source = schedule.plan.source if is_stray else "api"
    move = schedules.delete(schedule.name, expected=expected, source=source)
    result = await app.async_store.run(move)
    if result is DeleteResult.FOREIGN:
        raise Problem(409, f"The schedule {FOREIGN}")
    if result is DeleteResult.CONFLICT:
        raise build_changed("schedule")
    return Answer(status=204)


async def write(request: Request, change: Callable[[Schedule | None], ScheduleOrder]) -> Answer:
    """Write what ``change`` makes of the schedule, as long as nobody else writes it meanwhile."""
    name, limit = find_name(request), get_settings().max_schedules
    for _ in range(MAX_TRIES):
        at, before = await app.async_store.run(schedules.read(name))
        find_version(request, before.revision if before else None, "schedule")
        plan = await run_apart(make_plan, change(before), at, is_large=request.has_large_body)
        expected = before.revision if before else ABSENT
        move = build_put(app, name, plan, at, expected=expected, limit=limit)
        result = await app.async_store.run(move)
        if result is not PutResult.CONFLICT:
            break
    if result is PutResult.CONFLICT:
        raise Problem(409, "Others change the schedule all the time: send the request again")
    if result is PutResult.FOREIGN:
        raise Problem(409, f"The schedule {FOREIGN}")
    if result is PutResult.FULL:
        raise Problem(409, f"There are {limit} schedules, and no more are allowed")
    answer = answer_schedule(await fetch_schedule(request), request)
    if result is not PutResult.CREATED:
        return answer
    location = {"Location": f"{PATH}/{quote(request.params['name'], safe='')}"}
    return msgspec.structs.replace(answer, status=201, headers=location)


def make_plan(body: ScheduleOrder, at: float) -> Plan:
    """The plan of a body that comes at a time, checked. Raises ``Problem`` or ``InvalidField``."""
    check_timing(body)
    due = Timetable(body).find_next(int(at))
    return build_plan(body, int(at) if due is None else due)


def merge(value: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(value) if isinstance(value, dict) else {}
    for name, item in patch.items():
        if item is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), item)
    return merged

"""Routes that write, show, list and delete schedules."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from api.http.etags import is_version
from api.http.parsing import convert_part
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
    show_schedule,
)
from project.celery import app
from project.records.schedule import Schedule
from project.schedules.book import FOREIGN, build_put
from project.schedules.timetable import Timetable
from project.schedules.timing import check_timing, copy_timing
from project.settings.values import get_settings
from project.store.commands import schedules
from project.store.commands.schedules import DeleteResult, PutResult

MATCH_HEADER = "if-match"
IF_MATCH = {"If-Match": "The ETag of the schedule: it is changed only if nobody else has."}

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
    name = find_name(request)
    at, before = await app.async_store.run(schedules.read(name))
    return await write(request, name, body, at, require_version(request, before))


@routes.patch(
    ONE,
    body=dict[str, Any],
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
    schedule = await fetch_schedule(request)
    require_version(request, schedule)
    plain = msgspec.to_builtins(copy_timing(schedule.plan)) | {"order": show_order(schedule.plan)}
    merged = convert_part(merge(plain, body), ScheduleOrder)
    return await write(request, schedule.name, merged, schedule.at, schedule.revision)


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
    require_version(request, schedule)
    expected = schedule.revision if request.get_header("if-match") else ""
    is_stray = schedule.plan.kind not in app.tasks  # nobody will write it again
    source = schedule.plan.source if is_stray else "api"
    move = schedules.delete(schedule.name, expected=expected, source=source)
    result = await app.async_store.run(move)
    if result is DeleteResult.FOREIGN:
        raise Problem(409, f"The schedule {FOREIGN}")
    if result is DeleteResult.CONFLICT:
        raise build_conflict()
    return Answer(status=204)


async def write(
    request: Request, name: str, body: ScheduleOrder, at: float, expected: str
) -> Answer:
    """Write a plan and answer the schedule."""
    check_timing(body)
    due = Timetable(body).find_next(int(at))
    plan = build_plan(body, int(at) if due is None else due)
    limit = get_settings().max_schedules
    move = build_put(app, name, plan, at, expected=expected, limit=limit)
    result = await app.async_store.run(move)
    if result is PutResult.CONFLICT:
        raise build_conflict()
    if result is PutResult.FOREIGN:
        raise Problem(409, f"The schedule {FOREIGN}")
    if result is PutResult.FULL:
        raise Problem(409, f"There are {limit} schedules, and no more are allowed")
    _, written = await app.async_store.run(schedules.read(name))
    if written is None:
        raise Problem(409, "The schedule was deleted meanwhile")
    answer = answer_schedule(written, request)
    if result is not PutResult.CREATED:
        return answer
    location = {"Location": f"{PATH}/{quote(request.params['name'], safe='')}"}
    return msgspec.structs.replace(answer, status=201, headers=location)


def require_version(request: Request, schedule: Schedule | None) -> str:
    """The revision that the schedule must still have, "" for any. Raises ``Problem`` 412."""
    known = request.get_header(MATCH_HEADER)
    if known is None:
        return ""
    if schedule is None or not is_version(known, schedule.revision):
        raise build_conflict()
    return schedule.revision


def build_conflict() -> Problem:
    """The problem of a schedule that was changed or deleted since the caller read it."""
    return Problem(412, "The schedule is not the version in If-Match: read it again")


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

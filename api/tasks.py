"""Jobs of every kind: list them, look at one, stop it, run it again."""

import asyncio
from typing import Annotated, Any

import msgspec

from api import jobs
from api.edge import Answer, Request, Router
from api.orders import Moment
from api.problems import Problem
from project import moves
from project.celery import app
from project.labels import TAG
from project.moves import Cancel, Question
from project.records import TaskRecord

PATH = "/tasks"
ONE = PATH + "/{id}"

routes = Router()


class TaskQuery(jobs.ListQuery, frozen=True):
    """What the list of all jobs can be asked. Times are seconds since 1970.

    ``error`` is a part of the text of the error, as it is written. It is looked for in 1,000
    records a request: a page may be short, or empty, before ``next_cursor`` is null.
    """

    kind: str = ""
    queue: str = ""
    tag: str = ""
    created_after: Moment | None = None
    created_before: Moment | None = None
    error: Annotated[str, msgspec.Meta(max_length=200)] = ""


class FoundTasks(msgspec.Struct, frozen=True):
    """A page of records, newest first.

    ``total`` is how many match on all pages, null when ``error`` was asked for, as records have
    to be read for that; ``looked_at`` is how many were read for this page. ``next_cursor`` asks
    for the next page, null on the last.
    """

    tasks: list[TaskRecord]
    total: int | None
    next_cursor: str | None
    looked_at: int


@routes.get(
    PATH,
    query=TaskQuery,
    answers={200: FoundTasks},
    answer_headers={200: {"Link": "The next page (rel=next)."}},
    summary="List jobs of all kinds, newest first",
    tags=["tasks"],
)
async def list_tasks(_: Request, query: TaskQuery) -> Answer:
    """Answer a page of records; its cost does not depend on how many there are."""
    found = await find(query)
    return Answer(found, headers=jobs.next_page(PATH, query, found.next_cursor))


async def find(query: TaskQuery) -> FoundTasks:
    """The page of records that a query asks for."""
    page = await jobs.find(question_of(query), query)
    return FoundTasks(page.records, page.total, jobs.cursor_of(page), page.looked_at)


def question_of(query: TaskQuery) -> Question:
    """The records that a query is about."""
    return Question(
        kinds=[query.kind] if query.kind else [],
        queues=[query.queue] if query.queue else [],
        statuses=[query.status] if query.status else [],
        facets=[TAG + query.tag] if query.tag else [],
        created_after=query.created_after,
        created_before=query.created_before,
        error=query.error,
    )


@routes.get(
    ONE,
    **jobs.SHOW,
    summary="Show the record of a job of any kind",
    tags=["tasks"],
)
async def show_task(request: Request) -> Answer:
    """Answer the record."""
    return await jobs.answer_record(await found(request), request)


@routes.post(
    ONE + "/cancel",
    scope="control",
    answers={200: TaskRecord, 202: TaskRecord},
    errors=(404, 409, 503),
    answer_headers={202: {"Retry-After": "Seconds until to ask."}},
    summary="Stop a job",
    description="At once (200) while it waits; within two seconds (202) when it runs.",
    tags=["tasks"],
)
async def cancel_task(request: Request) -> Answer:
    """Ask for it; what is final stays as it is."""
    said = await app.async_store.run(moves.cancel(request.params["id"]))
    record = await found(request)
    if said is Cancel.FINAL:
        raise Problem(
            409, f"The job was final already, it is {record.status}", members=state(record)
        )
    return await jobs.answer_record(record, request, 200 if said is Cancel.CANCELLED else 202)


@routes.delete(
    ONE,
    scope="control",
    answers={200: TaskRecord, 202: TaskRecord},
    errors=(404, 409, 503),
    summary="Stop a job, as POST /tasks/{id}/cancel does",
    tags=["tasks"],
)
async def delete_task(request: Request) -> Answer:
    """Stop it; its record is kept as long as any other."""
    return await cancel_task(request)


@routes.post(
    ONE + "/retry",
    scope="control",
    answers={202: TaskRecord},
    errors=(404, 409, 503),
    answer_headers={202: {"Location": "The record.", "Retry-After": "Seconds until to ask."}},
    summary="Run a job that failed or was cancelled again",
    description="It keeps its id and counts its attempts on; it gets as many as its kind gets.",
    tags=["tasks"],
)
async def retry_task(request: Request) -> Answer:
    """Queue it again."""
    record = await found(request)
    if record.kind not in app.tasks:
        raise Problem(409, f"No job of the kind {record.kind!r} is known here")
    if not await asyncio.to_thread(app.AsyncResult(record.id).again):
        detail = f"Only a failed or cancelled job can run again; this one is {record.status}"
        raise Problem(409, detail, members=state(record))
    return await jobs.answer_order(await found(request), PATH, request)


async def found(request: Request) -> TaskRecord:
    """The record that the path names; 404 when there is none."""
    return await record_of(request.params["id"])


async def record_of(job_id: str) -> TaskRecord:
    """The record of any job; 404 when there is none."""
    record: TaskRecord | None = await app.async_store.run(moves.read(job_id))
    if record is None:
        raise Problem(404, f"There is no job with the id {job_id!r}")
    return record


def state(record: TaskRecord) -> dict[str, Any]:
    """What a refusal says about the job."""
    return {"task": msgspec.to_builtins(record)}

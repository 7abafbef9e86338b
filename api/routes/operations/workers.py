"""Routes of workers: which live, and the orders to stop or to take no more jobs."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Literal

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from project.celery import app
from project.records.grouping import CONTROL_QUEUE
from project.records.log_line import WorkerLogLine
from project.records.record import Worker
from project.store.commands import workers as worker_commands

PATH = "/workers"
WORKER_PATH = PATH + "/{name}"

routes = Router()


class WorkersQuery(msgspec.Struct, frozen=True):
    """``load``: also the memory and the busy share of each in its last 60 minutes."""

    load: bool = False


class WorkerList(msgspec.Struct, frozen=True):
    """All workers that hold a lease."""

    workers: list[Worker]


class WorkerLog(msgspec.Struct, frozen=True):
    """What a worker, by its name such as ``celery@host``, has logged last, the oldest first."""

    name: str
    lines: list[WorkerLogLine]


class WorkerOrder(msgspec.Struct, frozen=True):
    """What a worker, by its name such as ``celery@host``, has been told."""

    name: str
    order: Literal["drain", "stop"]


@routes.get(
    PATH,
    query=WorkersQuery,
    cross_tenant=True,
    answers={200: WorkerList},
    summary="List the live workers and their jobs",
    description="The jobs of a worker are among the first 500 running jobs.",
    tags=["queue"],
)
async def list_workers(_: Request, query: WorkersQuery) -> Answer:
    """Answer the workers, ordered by host and process."""
    found = await fetch_workers()
    if not query.load:
        found = [msgspec.structs.replace(worker, load=msgspec.UNSET) for worker in found]
    return Answer(WorkerList(sorted(found, key=lambda worker: (worker.host, worker.pid))))


@routes.get(
    WORKER_PATH + "/log",
    cross_tenant=True,
    answers={200: WorkerLog},
    errors=(404, 503),
    summary="Show what a worker has logged last",
    description="The last 200 lines of its main process, at most two seconds old. Lines about "
    "jobs are in the logs of the jobs. They are kept for a day after the end of the worker.",
    tags=["queue"],
)
async def show_worker_log(request: Request) -> Answer:
    """Answer the lines."""
    name = request.params["name"]
    lines = await app.async_store.run(worker_commands.read_log(name))
    if lines is None:
        raise Problem(404, f"No worker {name!r} has logged anything in the last day")
    return Answer(WorkerLog(name, lines))


@routes.post(
    WORKER_PATH + "/drain",
    scope="admin",
    cross_tenant=True,
    answers={202: WorkerOrder},
    errors=(404, 503),
    summary="Let a worker take no more jobs",
    description="The name is the part of the id before the slash. Jobs that it has run on. It "
    "lives on and takes jobs again after a restart.",
    tags=["queue"],
)
async def drain_worker(request: Request) -> Answer:
    """Tell it to take from no queue but that of bulk actions, which somebody has to."""
    worker = await fetch_worker(request.params["name"])
    for queue in worker.queues:
        if queue != CONTROL_QUEUE:
            await tell(worker, partial(app.control.cancel_consumer, queue))
    return Answer(WorkerOrder(request.params["name"], "drain"), 202)


@routes.post(
    WORKER_PATH + "/stop",
    scope="admin",
    cross_tenant=True,
    answers={202: WorkerOrder},
    errors=(404, 503),
    summary="Stop a worker as SIGTERM does",
    description="It takes no more jobs, has DRAIN_SECONDS for those that run, gives back what is "
    "left, and ends. What supervises it may start it anew.",
    tags=["queue"],
)
async def stop_worker(request: Request) -> Answer:
    """Tell it to shut down."""
    worker = await fetch_worker(request.params["name"])
    await tell(worker, app.control.shutdown)
    return Answer(WorkerOrder(request.params["name"], "stop"), 202)


async def fetch_workers() -> list[Worker]:
    """The live workers."""
    found: list[Worker] = await app.async_store.run(worker_commands.list_workers())
    return found


async def fetch_worker(name: str) -> Worker:
    """The live worker of this name. Raises ``Problem`` 404."""
    for worker in await fetch_workers():
        if name_of(worker) == name:
            return worker
    raise Problem(404, f"There is no live worker {name!r}; GET {PATH} lists all workers")


async def tell(worker: Worker, call: Callable[..., object]) -> None:
    """Send a remote control command to one worker; it blocks, so in a thread."""
    await asyncio.to_thread(call, destination=[name_of(worker)])


def name_of(worker: Worker) -> str:
    """Celery's name of a worker, which is unique."""
    return worker.id.partition("/")[0]

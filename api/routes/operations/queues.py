"""Routes of queues: counts, history, pause and resume."""

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from project.celery import app
from project.records.grouping import CONTROL_QUEUE
from project.records.history import Minute
from project.records.record import Queue, Stats
from project.store.commands import queues as queue_commands
from project.store.commands import statistics

PATH = "/queues"

routes = Router()


class QueueList(msgspec.Struct, frozen=True):
    """All queues that have had a message or have a worker."""

    queues: list[Queue]


class History(msgspec.Struct, frozen=True):
    """The last 60 minutes, the current one last."""

    minutes: list[Minute]


@routes.get(
    "/queue/stats",
    answers={200: Stats},
    summary="Count messages, jobs and workers",
    tags=["queue"],
)
async def show_stats(request: Request) -> Answer:
    """Answer the counts; the cost does not depend on the number of jobs."""
    return Answer(await app.async_store.run(statistics.read_stats(request.tenant)))


@routes.get(
    "/queue/history",
    cross_tenant=True,
    answers={200: History},
    summary="Show the last hour, minute by minute",
    tags=["queue"],
)
async def show_history(_: Request) -> Answer:
    """Answer the counts of each minute, oldest first."""
    return Answer(History(await app.async_store.run(statistics.read_history())))


@routes.get(
    PATH, cross_tenant=True, answers={200: QueueList}, summary="Show every queue", tags=["queue"]
)
async def list_queues(_: Request) -> Answer:
    """Answer the state of each queue."""
    return Answer(QueueList(await app.async_store.run(queue_commands.list_queues())))


@routes.post(
    PATH + "/{name}/pause",
    scope="admin",
    cross_tenant=True,
    answers={200: Queue},
    errors=(404, 409, 503),
    summary="Pause a queue",
    description="Workers get no more jobs of the queue; jobs that they already have still run. New "
    "and scheduled jobs wait. The queue stays paused, even after a restart, until it is resumed.",
    tags=["queue"],
)
async def pause_queue(request: Request) -> Answer:
    """Pause the queue; a paused queue stays paused."""
    name = (await fetch_queue(request)).name
    if name == CONTROL_QUEUE:
        raise Problem(409, f"The queue {name} cancels and retries jobs in bulk: it stays active")
    await app.async_store.run(queue_commands.pause(name, request.api_key.name))
    return Answer(await fetch_queue(request))


@routes.post(
    PATH + "/{name}/resume",
    scope="admin",
    cross_tenant=True,
    answers={200: Queue},
    errors=(404, 409, 503),
    summary="Resume a queue",
    tags=["queue"],
)
async def resume_queue(request: Request) -> Answer:
    """Resume the queue and wake a worker."""
    name = (await fetch_queue(request)).name
    await app.async_store.run(queue_commands.resume(name))
    return Answer(await fetch_queue(request))


async def fetch_queue(request: Request) -> Queue:
    """Fetch the queue that the path names. Raises ``Problem``: 404, or 409 with RabbitMQ."""
    if app.publisher:
        detail = (
            "RabbitMQ cannot pause a queue: stop the workers from consuming it with "
            "`celery -A project control cancel_consumer QUEUE`"
        )
        raise Problem(409, detail)
    name = request.params["name"]
    queues: list[Queue] = await app.async_store.run(queue_commands.list_queues())
    for queue in queues:
        if queue.name == name:
            return queue
    raise Problem(404, f"There is no queue {name!r}; GET {PATH} lists all queues")

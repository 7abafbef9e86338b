"""How the queues are doing; one paused, and resumed."""

import msgspec

from api.http.problems import Problem
from api.http.routing import Answer, Request, Router
from project.celery import app
from project.records.history import Minute
from project.records.record import Queue, Stats
from project.store.commands import queues as queue_commands
from project.store.commands import statistics

PATH = "/queues"

routes = Router()


class QueueList(msgspec.Struct, frozen=True):
    """Every queue that has ever had a message, or has a worker."""

    queues: list[Queue]


class History(msgspec.Struct, frozen=True):
    """The last 60 minutes, the one that goes on last."""

    minutes: list[Minute]


@routes.get(
    "/queue/stats",
    answers={200: Stats},
    summary="Count messages, jobs and workers",
    tags=["queue"],
)
async def show_stats(request: Request) -> Answer:
    """Answer counts that cost the same however many jobs there are."""
    return Answer(await app.async_store.run(statistics.read_stats(request.tenant)))


@routes.get(
    "/queue/history",
    cross_tenant=True,
    answers={200: History},
    summary="Show the last hour, minute by minute",
    tags=["queue"],
)
async def show_history(_: Request) -> Answer:
    """Answer what happened, oldest minute first."""
    return Answer(History(await app.async_store.run(statistics.read_history())))


@routes.get(
    PATH, cross_tenant=True, answers={200: QueueList}, summary="Show every queue", tags=["queue"]
)
async def list_queues(_: Request) -> Answer:
    """Answer how each is doing."""
    return Answer(QueueList(await app.async_store.run(queue_commands.list_queues())))


@routes.post(
    PATH + "/{name}/pause",
    scope="admin",
    cross_tenant=True,
    answers={200: Queue},
    errors=(404, 409, 503),
    summary="Let a queue hand out nothing",
    description="Jobs that a worker has in hand already still run. Orders are taken, and wait; "
    "so do those whose time has come. It stays so, also over a restart, until it is resumed.",
    tags=["queue"],
)
async def pause_queue(request: Request) -> Answer:
    """Pause it; once more changes nothing."""
    name = (await fetch_queue(request)).name
    await app.async_store.run(queue_commands.pause(name))
    return Answer(await fetch_queue(request))


@routes.post(
    PATH + "/{name}/resume",
    scope="admin",
    cross_tenant=True,
    answers={200: Queue},
    errors=(404, 409, 503),
    summary="Let a queue hand out its messages again",
    tags=["queue"],
)
async def resume_queue(request: Request) -> Answer:
    """Resume it and wake a worker; once more changes nothing."""
    name = (await fetch_queue(request)).name
    await app.async_store.run(queue_commands.resume(name))
    return Answer(await fetch_queue(request))


async def fetch_queue(request: Request) -> Queue:
    """The queue that the path names. Raises ``Problem`` 404, and 409 with RabbitMQ as broker."""
    if app.publisher:
        detail = (
            "RabbitMQ hands out the messages, and cannot be told to pause: stop the workers' "
            "part with `celery -A project control cancel_consumer QUEUE`"
        )
        raise Problem(409, detail)
    name = request.params["name"]
    queues: list[Queue] = await app.async_store.run(queue_commands.list_queues())
    for queue in queues:
        if queue.name == name:
            return queue
    raise Problem(404, f"There is no queue {name!r}; GET {PATH} has those that there are")

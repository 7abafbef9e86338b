"""The route that shows how much the whole platform has left: memory of Redis, what waits aside."""

import msgspec

from api.http.routing import Answer, Request, Router
from project.celery import app
from project.store.commands import archive, statistics

routes = Router()


class SystemState(msgspec.Struct, frozen=True):
    """What one looks at when nothing else is wrong.

    ``memory_used`` and ``memory_limit``: bytes of Redis; -1 when it does not say, a limit of 0 is
    none. ``eviction``: what Redis deletes when it is full; all but ``noeviction`` loses jobs.
    ``unarchived``: ended jobs that the history does not have yet, the first of them since
    ``history_lag`` seconds. ``unreadable``: messages put aside as nobody can read them.
    """

    memory_used: int
    memory_limit: int
    eviction: str
    unarchived: int
    history_lag: float
    unreadable: int


@routes.get(
    "/system",
    cross_tenant=True,
    answers={200: SystemState},
    summary="Show the memory of Redis, and what is not archived",
    tags=["queue"],
)
async def show_system(_: Request) -> Answer:
    """Answer what the metrics have of it, at this moment."""
    meters = await app.async_store.run(statistics.read_counters())
    backlog = await app.async_store.run(archive.read_backlog())
    memory = (meters.memory_used, meters.memory_allowed, meters.eviction)
    return Answer(SystemState(*memory, backlog.jobs, backlog.seconds, meters.dead_letters))

"""The route that lists workers."""

import msgspec

from api.http.routing import Answer, Request, Router
from project.celery import app
from project.records.record import Worker
from project.store.commands import workers as worker_commands

routes = Router()


class WorkerList(msgspec.Struct, frozen=True):
    """All workers that hold a lease."""

    workers: list[Worker]


@routes.get(
    "/workers",
    cross_tenant=True,
    answers={200: WorkerList},
    summary="List the live workers and their jobs",
    description="The jobs of a worker are among the first 500 running jobs.",
    tags=["queue"],
)
async def list_workers(_: Request) -> Answer:
    """Answer the workers, ordered by host and process."""
    found: list[Worker] = await app.async_store.run(worker_commands.list_workers())
    return Answer(WorkerList(sorted(found, key=lambda worker: (worker.host, worker.pid))))

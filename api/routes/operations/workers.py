"""Who does the work."""

import msgspec

from api.http.routing import Answer, Request, Router
from project.celery import app
from project.records.record import Worker
from project.store.commands import workers as worker_commands

routes = Router()


class WorkerList(msgspec.Struct, frozen=True):
    """Every worker whose lease holds."""

    workers: list[Worker]


@routes.get(
    "/workers",
    cross_tenant=True,
    answers={200: WorkerList},
    summary="Show every worker that lives, and what it is at",
    description="Of 500 running jobs it is said which worker has them.",
    tags=["queue"],
)
async def list_workers(_: Request) -> Answer:
    """Answer them by host and process."""
    found: list[Worker] = await app.async_store.run(worker_commands.list_workers())
    return Answer(WorkerList(sorted(found, key=lambda worker: (worker.host, worker.pid))))

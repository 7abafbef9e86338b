"""Who does the work."""

import msgspec

from api.edge import Answer, Request, Router
from project import moves
from project.celery import app
from project.records import Worker

routes = Router()


class WorkerList(msgspec.Struct, frozen=True):
    """Every worker whose lease holds."""

    workers: list[Worker]


@routes.get(
    "/workers",
    of_all=True,
    answers={200: WorkerList},
    summary="Show every worker that lives, and what it is at",
    description="Of 500 running jobs it is said which worker has them.",
    tags=["queue"],
)
async def list_workers(_: Request) -> Answer:
    """Answer them by host and process."""
    found: list[Worker] = await app.async_store.run(moves.workers())
    return Answer(WorkerList(sorted(found, key=lambda worker: (worker.host, worker.pid))))

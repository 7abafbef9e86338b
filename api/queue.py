"""How the queue is doing."""

from api.edge import Answer, Request, Router
from project import moves
from project.celery import app
from project.records import Stats

routes = Router()


@routes.get(
    "/queue/stats",
    answers={200: Stats},
    summary="Count messages, jobs and workers",
    tags=["queue"],
)
async def show_stats(_: Request) -> Answer:
    """Answer counts that cost the same however many jobs there are."""
    return Answer(await app.async_store.run(moves.stats()))

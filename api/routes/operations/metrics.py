"""``/metrics`` for Prometheus: the whole system, from any API process."""

from api.edge import Answer, Request, Router
from api.exposition import CONTENT_TYPE, expose
from api.traffic import TRAFFIC
from project import moves
from project.celery import app
from project.errors import StoreUnavailable

routes = Router()


@routes.get(
    "/metrics",
    scope="metrics",
    of_all=True,
    answers={200: str},
    errors=(),
    produces="text/plain",
    summary="Everything for Prometheus",
    description="Jobs, queues, workers and HTTP, of all processes on all machines together: "
    "scrape one API process, or take the maximum over several, never the sum. When Redis is away "
    "`continuo_redis_up` is 0 and stands alone.",
    tags=["health"],
)
async def show_metrics(_: Request) -> Answer:
    """Answer what Redis has counted; the requests of this very process with it."""
    await TRAFFIC.add()
    try:
        meters = await app.async_store.run(moves.meters())
        queues = await app.async_store.run(moves.queues())
    except StoreUnavailable:
        return Answer(expose(None, []), content_type=CONTENT_TYPE)
    return Answer(expose(meters, queues), content_type=CONTENT_TYPE)

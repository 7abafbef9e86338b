"""``/metrics`` for Prometheus: any API process reports the whole system."""

from api.http.routing import Answer, Request, Router
from api.routes.operations.history_metrics import build_history_metrics
from api.routes.operations.outbox_metrics import build_outbox_metrics
from api.routes.operations.prometheus import CONTENT_TYPE, expose
from api.telemetry.request_metrics import REQUEST_METRICS
from project.celery import app
from project.errors import StoreUnavailable
from project.store.commands import archive, relay, statistics
from project.store.commands import limits as limit_commands
from project.store.commands import queues as queue_commands
from project.store.commands import switches as switch_commands

routes = Router()


@routes.get(
    "/metrics",
    scope="metrics",
    cross_tenant=True,
    answers={200: str},
    errors=(),
    produces="text/plain",
    summary="Metrics for Prometheus",
    description="Jobs, queues, workers and HTTP, of all processes on all machines: scrape one API "
    "process, or take the maximum over several, never the sum. While Redis is not available, the "
    "only metric is `continuo_redis_up`, with the value 0.",
    tags=["health"],
)
async def show_metrics(_: Request) -> Answer:
    """Answer the counters in Redis, after adding those of this process."""
    await REQUEST_METRICS.add()
    try:
        meters = await app.async_store.run(statistics.read_counters())
        queues = await app.async_store.run(queue_commands.list_queues())
        limits = await app.async_store.run(limit_commands.list_limits())
        switches = await app.async_store.run(switch_commands.list_switches())
        outboxes = await app.async_store.run(relay.list_outboxes())
        backlog = await app.async_store.run(archive.read_backlog())
    except StoreUnavailable:
        return Answer(expose(None, []), content_type=CONTENT_TYPE)
    more = (*build_outbox_metrics(outboxes), *build_history_metrics(backlog))
    text = expose(meters, queues, limits, switches, more)
    return Answer(text, content_type=CONTENT_TYPE)

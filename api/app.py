"""The application: every route, and what is opened before the first request."""

import asyncio
from importlib.metadata import PackageNotFoundError, version

from api import console
from api.docs.openapi import Info
from api.docs.pages import describe
from api.http.rate_limits import limited
from api.http.routing import Router
from api.http.shutdown import Drain
from api.routes import bulk, exports, reports, webhooks
from api.routes.emails import (
    blasts,
    emails,
    mail_sink,
    previews,
    recipients,
    suppressions,
    test_mails,
    unsubscribe,
)
from api.routes.operations import me, metrics, queues, workers
from api.routes.operations.health import report_health
from api.routes.tasks import artifacts, callbacks, control, events, tasks
from api.server import downloads
from api.telemetry.request_metrics import TRAFFIC
from project.celery import app
from project.settings.values import settings
from project.store.async_client import NativeRedis
from project.telemetry.tracing import TRACING

DESCRIPTION = """Long work behind a short answer: order a job, get its record at once, watch it.

Every error is a problem document (RFC 9457). Lists are in pages, newest first."""


class Stores:
    """The connections the routes use."""

    async def open(self, native: NativeRedis | None) -> None:
        """Connect at the first command: the API starts, unready, without its Redis too."""
        app.async_store.native = native
        TRAFFIC.open()
        if app.traces:
            TRACING.open()
        if settings().files_port:
            downloads.address()

    async def close(self) -> None:
        """Give the connections back."""
        await TRAFFIC.close()
        if app.traces:
            await asyncio.to_thread(TRACING.close)
        await app.feed.close()
        await app.async_store.close()


def build(drain: Drain) -> tuple[Router, Stores]:
    """The routes and their connections."""
    app.loader.import_default_modules()  # a job of any kind may be retried, ordered here or not
    routes = Router()
    mail = (emails, blasts, recipients, previews, test_mails, suppressions, unsubscribe)
    work = (tasks, control, callbacks, events, bulk, queues, workers, artifacts, metrics)
    for module in (reports, exports, *mail, webhooks, *work, me, console):
        routes.include(module.routes)
    if not settings().smtp_url:
        routes.include(mail_sink.routes_of_sink())
    router = limited(routes, settings().rate_limit)
    router.include(report_health(app.async_store.ping, drain))
    router.include(describe(router, Info("Continuo", release(), DESCRIPTION)))
    return router, Stores()


def release() -> str:
    """The version that is installed, or that this is a checkout."""
    try:
        return version("continuo")
    except PackageNotFoundError:
        return "0.1.0"

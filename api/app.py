"""The application: every route, and what is opened before the first request."""

import asyncio
import logging
import os

from api import console
from api.docs.openapi import Info
from api.docs.pages import build_docs_router
from api.http.rate_limits import limit_routes
from api.http.routing import Router
from api.http.shutdown import Drain
from api.jobs.typed_kinds import build_typed_router, check_typed_kinds
from api.routes import batches, bulk, history, kinds, workflows
from api.routes.operations import (
    breakers,
    limits,
    me,
    metrics,
    outboxes,
    queues,
    switches,
    system,
    workers,
)
from api.routes.operations.health import build_health_router
from api.routes.schedules import firing, schedules
from api.routes.tasks import (
    artifacts,
    callbacks,
    control,
    errors,
    events,
    logs,
    signals,
    tasks,
)
from api.server import downloads
from api.telemetry.request_metrics import REQUEST_METRICS
from project.celery import app
from project.errors import IncompatibleData, StoreUnavailable
from project.extras import has_extra
from project.settings.values import get_settings
from project.store.async_client import NativeRedis
from project.store.migration import prepare_data
from project.telemetry.tracing import TRACING
from project.version import read_version

check_typed_kinds()  # and imports all kinds: a job of any kind may be run again


def list_report_routes() -> list[Router]:
    """The routes of the extra ``reports``."""
    from api.routes import exports, reports

    return [reports.routes, exports.routes]


def list_mail_routes() -> list[Router]:
    """The routes of the extra ``mail``."""
    from api.routes.emails import blasts, bounces, emails, mail_sink, people, previews
    from api.routes.emails import recipients, suppressions, test_mails, unsubscribe

    parts = (emails, blasts, recipients, people, previews, test_mails, suppressions, bounces)
    sink = [] if get_settings().smtp_url else [mail_sink.build_sink_router()]
    return [*(part.routes for part in (*parts, unsubscribe)), *sink]


EXTRA_ROUTES = [
    *(list_report_routes() if has_extra("reports") else []),
    *(list_mail_routes() if has_extra("mail") else []),
    *([outboxes.refused_routes] if has_extra("outbox") else []),
]

DESCRIPTION = """Long work behind a short answer: order a job, get its record at once, watch it.

Every error is a problem document (RFC 9457). Lists are in pages, newest first."""


log = logging.getLogger(__name__)

INCOMPATIBLE_DATA_STATUS = 4
"""Exit status of an API whose Redis has data that it cannot use."""

PREPARE_EVERY_SECONDS = 1.0


class Stores:
    """The connections the routes use."""

    async def open(self, native: NativeRedis | None) -> None:
        """Connect at the first command: the API starts, unready, without its Redis too."""
        app.async_store.native = native
        self._preparation = asyncio.create_task(prepare_data_patiently())
        REQUEST_METRICS.open()
        if app.traces:
            TRACING.open()
        if get_settings().files_port:
            downloads.start_file_server()

    async def close(self) -> None:
        """Give the connections back."""
        self._preparation.cancel()
        await REQUEST_METRICS.close()
        if app.traces:
            await asyncio.to_thread(TRACING.close)
        await app.feed.close()
        await app.async_store.close()


async def prepare_data_patiently() -> None:
    """Check the version of the data as soon as Redis answers; end when the data does not fit."""
    while True:
        try:
            return await asyncio.to_thread(prepare_data, app.store)
        except StoreUnavailable:
            await asyncio.sleep(PREPARE_EVERY_SECONDS)
        except IncompatibleData as problem:
            log.critical("%s", problem)
            os._exit(INCOMPATIBLE_DATA_STATUS)


def build(drain: Drain) -> tuple[Router, Stores]:
    """The routes and their connections."""
    routes = Router()
    work = (tasks, control, callbacks, signals, events, logs, errors, bulk, kinds, artifacts)
    state = (queues, limits, switches, breakers, workers, outboxes, system, metrics)
    parts = (*work, workflows, batches, *state, schedules, firing, history, me, console)
    for part in (*EXTRA_ROUTES, *(module.routes for module in parts)):
        routes.include(part)
    routes.include(build_typed_router())
    router = limit_routes(routes, get_settings().rate_limit)
    router.include(build_health_router(app.async_store.ping, drain))
    router.include(build_docs_router(router, Info("Continuo", read_version(), DESCRIPTION)))
    return router, Stores()

"""The threads of a worker that relay: one for each outbox, and the step that starts them."""

import logging
import threading
from time import monotonic
from typing import Any

from celery import bootsteps

from project.errors import ContinuoError, StoreUnavailable
from project.extras import require_extra
from project.relay.outbox import Outbox
from project.relay.relay import Relay
from project.settings.checks import EXIT_WRONG_SETTINGS
from project.settings.relay import get_relay_settings, name_outbox
from project.settings.values import get_settings
from project.store.client import Store
from project.store.commands.relay import report_outbox
from project.worker.lease import LeaseStep

log = logging.getLogger(__name__)

POLL_SECONDS = 5.0
"""Seconds after which an outbox is looked at although nothing was announced."""

REPORT_SECONDS = 4.0
"""After a look at the outbox, seconds until the next report of what is in it."""

FIRST_PAUSE_SECONDS = 0.25
MAX_PAUSE_SECONDS = 5.0
STOP_SECONDS = 5.0


class RelayThread(threading.Thread):
    """Relays one outbox until told to end. While PostgreSQL or Redis is away, it waits."""

    def __init__(self, app: Any, url: str) -> None:
        self.outbox_name = name_outbox(url)
        super().__init__(name=f"relay {self.outbox_name}", daemon=True)
        self.url = url
        self.store = Store(app.store_url, keys=app.store_keys)
        self.relay = Relay(app, self.store, self.outbox_name, get_settings().max_body_bytes)
        self.ended = threading.Event()
        self._pause = FIRST_PAUSE_SECONDS
        self._report_at = 0.0

    def run(self) -> None:
        """Connect and relay; after an error again, later each time."""
        import psycopg

        while not self.ended.is_set():
            try:
                with Outbox(self.url) as outbox:
                    self.follow(outbox)
            except psycopg.errors.UndefinedTable:
                self.wait("there is no outbox: run the SQL of python -m continuo_client.outbox sql")
            except psycopg.Error as problem:
                self.wait(f"PostgreSQL: {problem}")
            except StoreUnavailable as problem:
                self.wait(f"Redis: {problem.reason}")
            except Exception:
                log.exception("outbox %s", self.outbox_name)
                self.wait("an error of the program")
        self.store.close()

    def follow(self, outbox: Outbox) -> None:
        """Make jobs of what is there and of what comes."""
        while not self.ended.is_set():
            has_more = self.relay.relay(outbox)
            self._pause = FIRST_PAUSE_SECONDS
            self.report(outbox)
            if not has_more:
                outbox.wait(POLL_SECONDS)

    def report(self, outbox: Outbox) -> None:
        """Say how much waits in the outbox, for metrics and the console, but not too often."""
        if monotonic() < self._report_at:
            return
        backlog = outbox.measure()
        self.store.run(report_outbox(self.outbox_name, *backlog))
        self._report_at = monotonic() + REPORT_SECONDS

    def wait(self, reason: str) -> None:
        """Say why nothing is taken at the moment, and wait."""
        reason = " ".join(reason.split())
        log.warning("outbox %s waits: %s; next try in %g s", self.outbox_name, reason, self._pause)
        self.ended.wait(self._pause)
        self._pause = min(2 * self._pause, MAX_PAUSE_SECONDS)


class RelayStep(bootsteps.StartStopStep):
    """Starts the threads when the worker has its lease."""

    requires = {LeaseStep}  # noqa: RUF012 - Celery's way

    def __init__(self, worker: Any, **_: Any) -> None:
        self.threads: list[RelayThread] = []
        self.urls = get_relay_settings().outbox_urls
        if not self.urls:
            return
        try:
            require_extra("outbox")
        except ContinuoError as problem:
            log.critical("OUTBOX_URL: %s", problem)
            raise SystemExit(EXIT_WRONG_SETTINGS) from problem

    def start(self, worker: Any) -> None:
        """Start a thread for each outbox."""
        self.threads = [RelayThread(worker.app, url) for url in self.urls]
        for thread in self.threads:
            thread.start()

    def stop(self, worker: Any) -> None:
        """End the threads; what they have not committed, the next relay takes again."""
        for thread in self.threads:
            thread.ended.set()

    terminate = stop

"""One API process: starts Cello, and stops it after the requests in progress.

Cello keeps serving when the start-up failed, returns silently when it could not bind, and does not
finish requests at a stop. This module handles all three. Exit codes: 0 stopped by a signal,
3 the start-up failed, 4 the server ended by itself.
"""

import asyncio
import faulthandler
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, Protocol

import uvloop
from cello import App, LimitsConfig, RedisConfig, TimeoutConfig

from api.http.auth import KeyFile, Keyring
from api.http.cors import Cors
from api.http.dispatch import ANSWER_SECONDS, Dispatcher
from api.http.routing import Router
from api.http.shutdown import Drain
from api.http.site import Site
from api.http.sizes import MAX_READ_BYTES
from project.settings.values import Settings
from project.store.async_client import NativeRedis

EXIT_START_FAILED = 3
EXIT_SERVER_ENDED = 4

CLOSE_SECONDS = 5.0
"""Time limit of ``Lifecycle.close``, after the last response."""

STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})

_MAX_CONNECTIONS = 10_000
_NATIVE_CONNECTIONS = 8
_BODY_LIMIT_FACTOR = 10
"""Cello accepts larger bodies than allowed, so that the API can refuse them with a problem."""

_log = logging.getLogger("api.server.process")


class Lifecycle(Protocol):
    """Opens an application's connections before it serves, closes them after; on the event loop."""

    async def open(self, native: NativeRedis | None) -> None:
        """Open connections; ``native`` is Cello's own Redis client, if it has one.

        An exception ends the process with exit code 3.
        """

    async def close(self) -> None:
        """Close the connections, within ``CLOSE_SECONDS``."""


ApplicationBuilder = Callable[[Drain], tuple[Router, Lifecycle]]
"""Builds an application; called once in each server process, before the event loop runs."""


class ApiServer:
    """Serves the application that ``build`` returns."""

    def __init__(self, build: ApplicationBuilder, settings: Settings) -> None:
        self._settings = settings
        self._drain = Drain()
        self._router, self._lifecycle = build(self._drain)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._native: NativeRedis | None = None

    def run(self) -> NoReturn:
        """Serve until a stop signal. ``STOP_SIGNALS`` must be blocked in every thread."""
        faulthandler.enable()
        raise_file_limit()
        threading.Thread(target=self._wait_for_stop, name="stop", daemon=True).start()
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        self._run_cello()
        _log.error("The server ended by itself; see the lines above, its port may be in use")
        os._exit(EXIT_SERVER_ENDED)

    def _run_cello(self) -> None:
        sys.argv = sys.argv[:1]  # Cello reads options from it
        self._app().run(
            host=format_host(self._settings.host),
            port=self._settings.port,
            env="production",
            debug=False,
            workers=1,
            logs=False,
        )

    def _app(self) -> App:
        app = App()
        app._print_banner = lambda *_: None  # noqa: SLF001 - no option turns it off
        set_bounds(app, self._settings.max_body_bytes * _BODY_LIMIT_FACTOR)
        cors = Cors(self._settings.origins)
        edge = Dispatcher(
            keys=build_keyring(self._settings),
            drain=self._drain,
            max_body=self._settings.max_body_bytes,
            cors=cors,
            traces=bool(self._settings.otel_exporter_otlp_endpoint),
            site=Site(self._settings.own_hosts, cors, self._settings.public_url),
        )
        edge.mount(app, self._router)
        app.on_event("startup")(self._start)
        self._native = enable_native_redis(app, self._settings.store_url)
        return app

    async def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await self._lifecycle.open(self._native)
        except BaseException:  # noqa: BLE001 - Cello would serve after any error
            _log.exception("Start-up failed")
            os._exit(EXIT_START_FAILED)
        _log.info("Serving on %s", self._settings.base_url)

    def _wait_for_stop(self) -> None:
        name = signal.Signals(signal.sigwait(STOP_SIGNALS)).name
        _log.info("%s: finishing %d requests", name, self._drain.in_flight)
        try:
            self._stop()
        except Exception:  # noqa: BLE001 - the process must end after any error
            _log.exception("The shutdown failed")
        finally:
            os._exit(0)

    def _stop(self) -> None:
        if self._loop is None:
            return
        leaving = asyncio.run_coroutine_threadsafe(self._shut_down(), self._loop)
        leaving.result(self._settings.drain_seconds + CLOSE_SECONDS + 1)

    async def _shut_down(self) -> None:
        left = await self._drain.run(self._settings.drain_seconds, self._settings.port)
        if left:
            _log.warning("%d requests did not finish in time", left)
        async with asyncio.timeout(CLOSE_SECONDS):
            await self._lifecycle.close()


def build_keyring(config: Settings) -> Keyring:
    """Build the API keys from the settings and the key file."""
    path = config.api_keys_file
    file = KeyFile(Path(path), lambda: config.keys_by_digest) if path else None
    return Keyring(config.keys_by_digest, file)


def enable_native_redis(app: App, url: str) -> NativeRedis | None:
    """Enable Cello's own Redis client; None unless the URL is plain TCP, all that it supports.

    Call this after the routes are added: Cello would wrap each later route to pass the client on.
    """
    if not url.startswith("redis://"):
        return None
    config = RedisConfig(url=url, pool_size=_NATIVE_CONNECTIONS, connection_timeout_secs=1)
    with silence_stdout():
        app.enable_redis(config)
    client: NativeRedis = app.redis
    return client


@contextmanager
def silence_stdout() -> Iterator[None]:
    """Suppress what Cello prints. It writes to the descriptor directly, not through Python."""
    stdout, devnull = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    try:
        yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
        os.close(devnull)


def set_bounds(app: App, max_body: int) -> None:
    """Set Cello's timeouts and size limits; ``max_body`` in bytes."""
    limits = LimitsConfig(
        max_header_size=MAX_READ_BYTES,
        max_body_size=max_body,
        max_connections=_MAX_CONNECTIONS,
        max_requests_per_connection=0,
    )
    app.set_limits(limits)
    handler = int(ANSWER_SECONDS) + 1
    app.set_timeouts(
        TimeoutConfig(read_header=10, read_body=10, write=30, idle=60, handler=handler)
    )


def raise_file_limit() -> None:
    """Raise the limit of open files to what ``_MAX_CONNECTIONS`` needs, as far as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_CONNECTIONS + 1_000
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def format_host(host: str) -> str:
    """Format an IP address for Cello: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host

"""Health checks: whether this process is alive, and whether it can serve requests."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from api.http.problems import build_unavailable
from api.http.routing import Answer, Request, Router
from api.http.shutdown import Drain
from project.errors import StoreUnavailable
from project.version import read_version

PING_SECONDS = 1.0
"""Time limit of the ping to the broker."""

Ping = Callable[[], Awaitable[object]]


class Health(msgspec.Struct, frozen=True):
    """``live`` or ``ready``, and the version of Continuo."""

    status: str
    version: str = msgspec.field(default_factory=read_version)


def build_health_router(ping: Ping, drain: Drain) -> Router:
    """Build the routes /health/live and /health/ready; ``ping`` calls the broker."""
    routes = Router()

    @routes.get(
        "/health/live",
        auth=False,
        answers={200: Health},
        errors=(),
        summary="Is the process alive?",
        tags=["health"],
    )
    async def show_live(_: Request) -> Answer:
        return Answer(Health("live"))

    @routes.get(
        "/health/ready",
        auth=False,
        answers={200: Health},
        summary="Should it be sent requests?",
        tags=["health"],
    )
    async def show_ready(_: Request) -> Answer:
        if drain.is_draining:
            raise build_unavailable("This process is shutting down")
        await _require_broker(ping)
        return Answer(Health("ready"))

    return routes


async def _require_broker(ping: Ping) -> None:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await ping()
    except TimeoutError as error:
        raise build_unavailable(f"The broker did not answer within {PING_SECONDS:.0f} s") from error
    except Exception as error:
        raise build_unavailable(f"The broker does not answer: {_reason_of(error)}") from error


def _reason_of(error: Exception) -> str:
    """Describe an error without its text: health needs no key, and a text may have a password."""
    return error.reason if isinstance(error, StoreUnavailable) else type(error).__name__

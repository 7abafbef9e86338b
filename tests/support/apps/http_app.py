"""A small API for the tests of the HTTP layer, with routes that block, exit and fail."""

import asyncio
import os
from typing import Annotated, NoReturn

import msgspec

from api.docs.openapi import Info
from api.docs.pages import build_docs_router
from api.http.routing import Answer, Request, Router
from api.http.shutdown import Drain
from api.routes.operations.health import build_health_router


class SampleOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    type: str = "summary"
    max_retries: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3


class SampleLifecycle:
    def __init__(self) -> None:
        self.opened = False

    async def open(self, _: object) -> None:
        self.opened = True

    async def close(self) -> None:
        assert self.opened


class BrokenLifecycle(SampleLifecycle):
    async def open(self, _: object) -> None:
        raise RuntimeError("a dependency is down")


async def ping() -> None:
    """A broker that always answers."""


def build(drain: Drain) -> tuple[Router, SampleLifecycle]:
    router = Router()
    router.include(_build_order_routes())
    router.include(_build_failing_routes(drain))
    router.include(build_health_router(ping, drain))
    router.include(build_docs_router(router, Info("Test", "1.0")))
    return router, SampleLifecycle()


def build_broken(_: Drain) -> tuple[Router, SampleLifecycle]:
    return Router(), BrokenLifecycle()


def _build_order_routes() -> Router:
    routes = Router()

    @routes.post("/orders", body=SampleOrder, answers={202: SampleOrder})
    async def order(_: Request, body: SampleOrder) -> Answer:
        return Answer(body, status=202)

    @routes.get("/orders/{id}")
    async def show(request: Request) -> Answer:
        return Answer(request.params)

    return routes


def _build_failing_routes(drain: Drain) -> Router:
    routes = Router()
    released = asyncio.Event()

    @routes.get("/pid", auth=False)
    async def show_pid(_: Request) -> Answer:
        return Answer(os.getpid())

    @routes.get("/hold")
    async def hold(_: Request) -> Answer:
        await released.wait()
        return Answer("released", content_type="text/plain")

    @routes.post("/release")
    async def release(_: Request) -> Answer:
        released.set()
        return Answer()

    @routes.get("/in-flight")
    async def show_in_flight(_: Request) -> Answer:
        return Answer(drain.in_flight - 1)

    @routes.get("/until-draining")
    async def wait_for_draining(_: Request) -> Answer:
        await drain.started.wait()
        return Answer()

    @routes.get("/exit")
    async def leave(_: Request) -> NoReturn:
        raise SystemExit(1)

    return routes

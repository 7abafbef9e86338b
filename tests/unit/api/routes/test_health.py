import asyncio
from time import perf_counter

import pytest
from cello import Request as RawRequest

from api.http.problems import Problem
from api.http.routing import Answer, Request
from api.http.shutdown import Drain
from api.routes.operations import health
from api.routes.operations.health import Ping, build_health_router
from project.errors import StoreUnavailable


async def answering() -> str:
    return "PONG"


async def silent() -> None:
    await asyncio.Event().wait()


async def broken() -> None:
    raise ConnectionError("redis://:secret@10.0.0.1")


async def full() -> None:
    raise StoreUnavailable("out of memory")


def ask(path: str, ping: Ping, drain: Drain | None = None) -> Answer:
    route = build_health_router(ping, drain or Drain()).find("GET", path)
    assert route is not None

    raw = RawRequest("GET", path)
    request = Request("r", "GET", path, {}, raw.get_header, asyncio.Event())

    async def call() -> Answer:
        answer = await route.handler(request)
        assert isinstance(answer, Answer)
        return answer

    return asyncio.run(call())


def reason(ping: Ping, drain: Drain | None = None) -> str:
    with pytest.raises(Problem) as refusal:
        ask("/health/ready", ping, drain)
    assert refusal.value.status == 503
    return refusal.value.detail


def test_a_serving_process_is_live_even_without_a_broker() -> None:
    assert ask("/health/live", broken).value.status == "live"


def test_a_process_with_a_broker_is_ready() -> None:
    assert ask("/health/ready", answering).value.status == "ready"


def test_a_silent_broker_counts_as_down_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    assert health.PING_SECONDS == 1

    monkeypatch.setattr(health, "PING_SECONDS", 0.01)
    started = perf_counter()
    assert "did not answer" in reason(silent)
    assert perf_counter() - started < 1


def test_the_reason_of_the_store_is_shown() -> None:
    assert reason(full) == "The broker does not answer: out of memory"


def test_the_reason_of_an_unexpected_error_is_hidden() -> None:
    assert reason(broken) == "The broker does not answer: ConnectionError"


def test_a_process_that_shuts_down_is_not_ready() -> None:
    drain = Drain()
    drain.started.set()
    assert "shutting down" in reason(answering, drain)


def test_the_health_routes_need_no_key() -> None:
    assert not any(route.auth for route in build_health_router(answering, Drain()).routes)

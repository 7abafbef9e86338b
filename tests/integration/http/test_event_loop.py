"""No route keeps the event loop busy: each gets its largest body while the loop is watched."""

import asyncio
import json
import time
from typing import Any

import cello
import pytest

from api.app import build
from api.http.auth import Keyring
from api.http.dispatch import Dispatcher, Endpoint
from api.http.paths import Paths
from api.http.shutdown import Drain
from project.celery import app
from project.settings.values import get_settings
from project.store.client import Store

MAX_BUSY_SECONDS = 0.05
LIMIT = get_settings().max_body_bytes
WEBHOOK = {"kind": "webhook", "url": "https://example.com/"}


def fill(item: Any, around: int = 200) -> list[Any]:
    """As many items as a body may have."""
    return [item] * ((LIMIT - around) // (len(json.dumps(item)) + 2))


def fill_distinct(form: str, count: int) -> list[str]:
    return [form.format(number) for number in range(count)]


UNICODE = fill_distinct("ada@bücher-größe-straße-{}.example.org", 15_000)
PLAIN = fill_distinct("ada{}@example.org", 9_900)
BODIES: dict[str, tuple[str, Any]] = {
    "suppressions, international": ("/suppressions", {"addresses": UNICODE}),
    "suppressions, short": ("/suppressions", {"addresses": fill("a@b")}),
    "emails, international": ("/emails", {"recipients": UNICODE[:9_900]}),
    "emails": ("/emails", {"recipients": PLAIN}),
    "emails with data": (
        "/emails",
        {"recipients": [{"address": one, "data": {"a": one}} for one in PLAIN]},
    ),
    "emails, all wrong": ("/emails", {"recipients": fill(1)}),
    "bulk": ("/tasks/bulk", {"tasks": [WEBHOOK] * 1_000}),
    "bulk, all wrong": ("/tasks/bulk", {"tasks": [{"kind": "report", "odd": 1}] * 1_000}),
    "webhook": ("/webhooks", {"url": "https://example.com/", "body": "x" * 262_144}),
    "webhook with numbers": ("/webhooks", {"url": "https://example.com/", "body": fill(1.5)}),
    "webhook with headers": (
        "/webhooks",
        {"url": "https://example.com/", "headers": {f"x-{n}": "1" for n in range(60_000)}},
    ),
    "report": ("/reports", {"filters": {f"f{n}": n for n in range(60_000)}}),
    "export": ("/exports", {"source": "flights", "query": "departures", "odd": fill(1)}),
    "cancel": ("/tasks/cancel", {"filter": {f"f{n}": n for n in range(60_000)}}),
    "preview": ("/emails/preview", {"template": "welcome", "data": {"a": "x" * 900_000}}),
    "unknown fields": ("/reports", {f"f{n}": n for n in range(55_000)}),
}


@pytest.fixture(scope="module")
def paths() -> Paths[Endpoint]:
    drain = Drain()
    router, _ = build(drain)
    shared = Dispatcher(Keyring({}), drain, max_body=LIMIT)
    found: Paths[Endpoint] = Paths()
    for route in router.routes:
        found.add(route.method, route.template, Endpoint(route, shared))
    return found


async def watch(over: asyncio.Event) -> float:
    """The longest time that the loop's thread worked between two turns, in seconds."""
    longest, before = 0.0, time.thread_time()
    while not over.is_set():
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, before = max(longest, now - before), now
    return longest


async def serve(paths: Paths[Endpoint], method: str, path: str, content: bytes) -> Any:
    found = paths.find(method, path)
    assert found
    headers = {"Content-Type": "application/json"} if content else {}
    over = asyncio.Event()
    watching = asyncio.create_task(watch(over))
    await asyncio.sleep(0.01)
    raw = cello.Request(method, path, headers=headers, body=content)
    response = await found[0].serve(raw, found[1])
    over.set()
    await app.async_store.close()
    app.__dict__.pop("async_store", None)
    return response.status, await watching


@pytest.mark.parametrize(("path", "body"), BODIES.values(), ids=BODIES)
def test_the_largest_body_of_a_route_does_not_keep_others_waiting(
    store: Store, paths: Paths[Endpoint], path: str, body: Any
) -> None:
    content = json.dumps(body, ensure_ascii=False).encode()
    assert len(content) <= LIMIT

    status, busy = asyncio.run(serve(paths, "POST", path, content))

    assert status < 500
    assert busy < MAX_BUSY_SECONDS, f"{status}: busy for {busy * 1000:.0f} ms"


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/", "/tasks", "/queues"])
def test_the_first_request_of_a_page_does_not_keep_others_waiting(
    store: Store, paths: Paths[Endpoint], path: str
) -> None:
    status, busy = asyncio.run(serve(paths, "GET", path, b""))

    assert status == 200
    assert busy < MAX_BUSY_SECONDS, f"busy for {busy * 1000:.0f} ms"

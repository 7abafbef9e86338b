"""An API whose Redis is replaced by another: it finds that one, and nothing is forgotten."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from project.errors import StoreUnavailable
from project.local.valkey import EmbeddedValkey
from project.store.client import Store
from project.store.commands import queues
from tests.support.ports import find_free_port
from tests.support.programs.processes import Program
from tests.support.servers.sentinels import Sentinels
from tests.support.waiting import wait_until


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    """Three servers and three Sentinels."""
    with EmbeddedValkey(tmp_path / "valkey", find_free_port()) as server:
        watch = Sentinels(server, tmp_path)
        try:
            watch.start()
            yield watch
        finally:
            watch.stop()


@pytest.fixture
def api(sentinels: Sentinels, tmp_path: Path) -> Iterator[httpx2.Client]:
    """An API that asks them."""
    port = find_free_port()
    environment = {"REDIS_URL": sentinels.url, "PORT": str(port), "DATA_DIR": str(tmp_path)}
    program = Program([sys.executable, "-m", "api"], tmp_path / "api.log", environment)
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        wait_until(lambda: answers(client, "/health/ready"), 30)
        yield client
    program.kill()


def answers(client: httpx2.Client, path: str) -> Any:
    """What a GET is answered, None when it is refused."""
    with suppress(httpx2.TransportError):
        answer = client.get(path)
        return answer.json() if answer.status_code == 200 else None
    return None


def order(client: httpx2.Client) -> str | None:
    """The id of a new job, None when it is not taken."""
    answer = client.post("/reports", json={"delay": 3600})
    assert answer.status_code in {202, 503}
    return str(answer.json()["id"]) if answer.status_code == 202 else None


def test_orders_and_events_continue_after_a_failover(
    sentinels: Sentinels, api: httpx2.Client
) -> None:
    first = order(api)
    assert first
    snapshot = api.get("/events").text
    place = snapshot.split("id: ")[1].split("\n")[0]
    dead = sentinels.kill_primary()
    second = wait_until(lambda: order(api), 30)
    assert sentinels.first() is not dead
    assert answers(api, f"/tasks/{first}")

    events = wait_until(lambda: events_since(api, place), 30)
    assert f'"id":"{second}"' in events
    assert f'"id":"{first}"' not in events


def events_since(client: httpx2.Client, place: str) -> str:
    """What happened since, "" when nothing is said."""
    text = client.get("/events", headers={"Last-Event-ID": place}).text
    return text if "data: " in text else ""


def test_a_change_that_no_replica_has_is_not_confirmed(sentinels: Sentinels) -> None:
    first, *others = sentinels.servers
    store = Store(sentinels.url)
    assert store.run(queues.pause("here"))
    for server in others:
        server.stop()
    with pytest.raises(StoreUnavailable):
        store.run(queues.pause("there"))
    assert Store(first.url).client.sismember("continuo:paused", "here")
    store.close()

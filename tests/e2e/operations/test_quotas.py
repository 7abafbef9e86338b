"""Quotas of tenants and keys."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import redis

from tests.support.programs.system import System

KEYS = {
    "a@acme": "0123456789abcdef-a",
    "b@other": "0123456789abcdef-b",
    "ops": "0123456789abcdef-o",
    "shop": "0123456789abcdef-s",
    "books": "0123456789abcdef-k",
}
LATER = {"delay": 3_600}


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with quotas for a tenant and for a key."""
    system = System(tmp_path_factory.mktemp("quotas"))
    system.http.headers["X-API-Key"] = KEYS["ops"]
    system.start(
        CONTINUO_QUOTAS="acme:pending=3,payload=300 ops:daily=4 shop:pending=4 books:pending=4",
        CONTINUO_API_KEYS=",".join(f"{name}:{key}" for name, key in KEYS.items()),
    )
    yield system
    system.close()


def send(
    system: System, name: str, order: dict[str, Any], path: str = "/reports"
) -> httpx2.Response:
    return system.http.post(path, json=order, headers={"X-API-Key": KEYS[name]})


def test_a_tenant_has_at_most_so_many_jobs_that_wait(own_system: System) -> None:
    bulk = {"tasks": [{"kind": "report", **LATER}] * 2}
    first = send(own_system, "a@acme", bulk, "/tasks/bulk")
    too_many = send(own_system, "a@acme", bulk, "/tasks/bulk")
    last = send(own_system, "a@acme", LATER)
    refused = send(own_system, "a@acme", LATER)

    answers = (first, too_many, last, refused)
    assert [each.status_code for each in answers] == [202, 429, 202, 429]
    assert refused.json()["detail"] == "The quota pending is used up: 3 jobs wait, and 3 may"
    assert refused.headers["retry-after"] == "10"
    assert send(own_system, "b@other", LATER).status_code == 202
    cancelled = own_system.http.delete(
        f"/tasks/{last.json()['id']}", headers={"X-API-Key": KEYS["a@acme"]}
    )
    assert cancelled.status_code in (200, 202)
    assert send(own_system, "a@acme", LATER).status_code == 202


def test_a_key_without_a_tenant_has_at_most_so_many_jobs_that_wait(own_system: System) -> None:
    bulk = {"tasks": [{"kind": "report", **LATER}] * 2}
    one_node = {"name": "w", "nodes": [{"id": "a", "kind": "report", **LATER}]}

    taken = [
        send(own_system, "shop", LATER),
        send(own_system, "shop", LATER | {"unique": {"key": "of shop"}}),
        send(own_system, "shop", one_node, "/workflows"),
    ]
    too_many = send(own_system, "shop", bulk, "/tasks/bulk")
    last = send(own_system, "shop", {"tasks": bulk["tasks"][:1]}, "/tasks/bulk")
    refused = send(own_system, "shop", LATER)

    assert [each.status_code for each in (*taken, too_many, last, refused)] == [
        *(202, 202, 202, 429, 202, 429)
    ]
    assert refused.json()["detail"] == "The quota pending is used up: 4 jobs wait, and 4 may"
    own_system.http.delete(f"/tasks/{taken[0].json()['id']}")
    assert send(own_system, "shop", LATER).status_code == 202


def test_jobs_of_batches_count_among_those_of_a_key_that_wait(own_system: System) -> None:
    jobs = {"name": "b", "jobs": [{"kind": "report", **LATER}] * 2}
    tasks = {"tasks": [{"kind": "report", **LATER}], "batch": {"name": "c"}}
    made = send(own_system, "books", jobs, "/batches")
    path = f"/batches/{made.json()['id']}/jobs"

    taken = [
        made,
        send(own_system, "books", tasks, "/tasks/bulk"),
        send(own_system, "books", {"jobs": jobs["jobs"][:1]}, path),
    ]
    refused = [
        send(own_system, "books", {"jobs": jobs["jobs"][:1]}, path),
        send(own_system, "books", tasks, "/tasks/bulk"),
        send(own_system, "books", jobs, "/batches"),
    ]

    assert [each.status_code for each in taken] == [202] * 3
    assert [each.status_code for each in refused] == [429] * 3


def test_a_key_orders_at_most_so_many_jobs_in_a_day(own_system: System) -> None:
    bulk = {"tasks": [{"kind": "report", **LATER}] * 3}
    with redis.Redis.from_url(own_system.redis_url) as client:
        for key in client.scan_iter("continuo:ordered:*"):
            client.delete(key)

        first = send(own_system, "ops", bulk, "/tasks/bulk")
        invalid = send(own_system, "ops", {"type": "no such type"})
        too_many = send(own_system, "ops", bulk, "/tasks/bulk")
        last = send(own_system, "ops", LATER)
        refused = send(own_system, "ops", LATER)

        (key,) = client.scan_iter("continuo:ordered:*")
        left: Any = client.ttl(key)
    answers = (first, invalid, too_many, last, refused)
    assert [each.status_code for each in answers] == [202, 422, 429, 202, 429]
    assert "4 jobs were ordered today, and 4 may be, until 24:00 UTC" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) == pytest.approx(left, abs=5)


def test_an_order_has_at_most_so_many_bytes(own_system: System) -> None:
    large = {**LATER, "tags": ["x" * 60 for _ in range(8)]}
    tasks = {"tasks": [{"kind": "report", **large}]}

    one = send(own_system, "a@acme", large)
    many = send(own_system, "a@acme", tasks, "/tasks/bulk")

    assert (one.status_code, many.status_code) == (413, 207)
    assert "the quota payload allows 300" in one.json()["detail"]
    assert many.json()["tasks"][0]["problem"]["status"] == 413
    assert send(own_system, "b@other", large).status_code == 202

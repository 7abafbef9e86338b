"""A tenant's key sees and changes the jobs of its tenant only."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.programs.system import System

HOLDERS = ("root", "one@acme", "two@other", "shop/submit=report@acme")
KEYS = {name: f"{name.partition('@')[0]}-0123456789abcdef" for name in HOLDERS}
LATER = {"delay": 3600}
WAIT = {"Prefer": "wait=25"}
NOBODY = "http://nobody.invalid/"


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with two tenants."""
    system = System(tmp_path_factory.mktemp("tenants"))
    system.http.headers["X-API-Key"] = KEYS["root"]
    system.start(CONTINUO_API_KEYS=",".join(f"{name}:{key}" for name, key in KEYS.items()))
    yield system
    system.close()


@pytest.fixture
def root(own_system: System) -> httpx2.Client:
    return own_system.http


@pytest.fixture
def acme(own_system: System) -> Iterator[httpx2.Client]:
    yield from client(own_system, "one@acme")


@pytest.fixture
def other(own_system: System) -> Iterator[httpx2.Client]:
    yield from client(own_system, "two@other")


def client(system: System, name: str) -> Iterator[httpx2.Client]:
    headers = {"X-API-Key": KEYS[name]}
    with httpx2.Client(base_url=system.http.base_url, headers=headers, trust_env=False) as client:
        yield client


def order(of: httpx2.Client, **said: Any) -> str:
    answer = of.post("/reports", json=LATER | said)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def list_ids(of: httpx2.Client, path: str = "/tasks") -> set[str]:
    return {task["id"] for task in of.get(path).json()["tasks"]}


def test_a_job_is_visible_to_its_tenant_and_to_keys_without_a_tenant(
    root: httpx2.Client, acme: httpx2.Client, other: httpx2.Client
) -> None:
    mine, theirs, nobodys = order(acme, tags=["x"]), order(other, tags=["x"]), order(root)

    for path in ("/tasks", "/reports", "/tasks?kind=report", "/tasks?tag=x", "/tasks?queue=celery"):
        assert mine in list_ids(acme, path)
        assert not {theirs, nobodys} & list_ids(acme, path)
    assert {mine, theirs, nobodys} <= list_ids(root)
    assert acme.get(f"/tasks/{mine}").json()["tenant"] == "acme"
    assert "tenant" not in root.get(f"/tasks/{nobodys}").json()
    assert acme.get(f"/reports/{theirs}").status_code == 404


def test_every_route_treats_the_job_of_another_tenant_as_missing(
    root: httpx2.Client, acme: httpx2.Client, other: httpx2.Client
) -> None:
    job_id, asked = order(acme), 0
    for path, methods in root.get("/openapi.json").json()["paths"].items():
        for method in set(methods) - {"parameters"} if "{id}" in path else ():
            body = {"json": {}} if "requestBody" in methods[method] else {}

            def ask(
                name: str, path: str = path, method: str = method, body: Any = body
            ) -> tuple[int, str]:
                there = re.sub(r"\{(?!id)\w+\}", "x", path).replace("{id}", name)
                answer = other.request(method, there, **body)
                return answer.status_code, answer.json().get("detail", "").replace(name, "")

            assert ask(job_id) == ask("nobody"), (method, path)
            assert ask(job_id)[0] in {404, 403, 422}, (method, path)
            asked += 1

    assert asked > 5
    assert acme.get(f"/tasks/{job_id}").json()["status"] == "pending"


def test_a_tenant_can_cancel_and_retry_its_own_jobs(acme: httpx2.Client) -> None:
    job_id = order(acme)

    assert acme.post(f"/tasks/{job_id}/cancel").status_code == 200
    assert acme.post(f"/tasks/{job_id}/retry").status_code == 202
    assert acme.delete(f"/tasks/{job_id}").status_code in {200, 202}


def test_counts_include_only_the_tenants_jobs(acme: httpx2.Client, root: httpx2.Client) -> None:
    before, everybodys = acme.get("/queue/stats").json(), root.get("/queue/stats").json()
    order(root)

    order(acme)
    after = acme.get("/queue/stats").json()

    assert after["total_tasks"] == before["total_tasks"] + 1
    assert after["queue_size"] == before["queue_size"] + 1
    assert root.get("/queue/stats").json()["total_tasks"] == everybodys["total_tasks"] + 2


def test_bulk_jobs_and_deliveries_belong_to_the_tenant(
    own_system: System, acme: httpx2.Client, other: httpx2.Client
) -> None:
    tasks = [{"kind": "report", "callback_url": NOBODY, **LATER}]
    outcome = acme.post("/tasks/bulk", json={"tasks": tasks}).json()
    job_id = outcome["tasks"][0]["task"]["id"]

    acme.post(f"/tasks/{job_id}/cancel")
    delivery = acme.get(f"/tasks/{job_id}/delivery").json()

    assert delivery["tenant"] == "acme"
    assert delivery["id"] in list_ids(acme, "/tasks?kind=callback")
    assert list_ids(other, "/tasks?kind=callback") == set()


def test_a_filter_matches_only_the_tenants_jobs(
    own_system: System, root: httpx2.Client, acme: httpx2.Client, other: httpx2.Client
) -> None:
    mine, theirs, nobodys = order(acme), order(other), order(root)
    wish = {"filter": {"kind": "report", "status": "pending"}}
    trial = acme.post("/tasks/cancel", json=wish | {"dry_run": True}).json()
    assert theirs not in {task["id"] for task in trial["sample"]}

    job_id = acme.post("/tasks/cancel", json=wish).json()["id"]
    own_system.wait_until_final("/tasks", job_id)
    assert acme.get(f"/tasks/{mine}").json()["status"] == "cancelled"
    for left in (theirs, nobodys):
        assert root.get(f"/tasks/{left}").json()["status"] == "pending"


def test_tenants_share_neither_idempotency_keys_nor_unique_keys(
    acme: httpx2.Client, other: httpx2.Client
) -> None:
    unique = {"unique": {"key": "nightly"}}
    assert order(acme, **unique) != order(other, **unique)

    held = acme.post("/reports", json=LATER | unique)
    assert (held.status_code, held.json()["tenant"]) == (200, "acme")

    once = {"Idempotency-Key": "the-same"}
    first, second = (of.post("/reports", json=LATER, headers=once) for of in (acme, other))
    assert first.json()["id"] != second.json()["id"]


def test_events_come_only_from_the_tenants_jobs(acme: httpx2.Client, other: httpx2.Client) -> None:
    place = re.findall(r"^id: (.+)$", acme.get("/events").text, re.MULTILINE)[-1]

    theirs, mine = order(other), order(acme)
    told = acme.get("/events", headers={"Last-Event-ID": place}, timeout=30).text

    assert mine in told
    assert theirs not in told


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/queues"),
        ("GET", "/workers"),
        ("POST", "/queues/celery/pause"),
        ("POST", "/queues/celery/resume"),
        ("GET", "/callbacks/disabled"),
        ("POST", "/callbacks/enable"),
    ],
)
def test_routes_about_all_tenants_are_forbidden_to_a_tenant(
    acme: httpx2.Client, root: httpx2.Client, method: str, path: str
) -> None:
    assert acme.request(method, path, json={"url": NOBODY}).status_code == 403
    assert root.request(method, path, json={"url": NOBODY}).status_code in {200, 404}


def test_a_tenant_sees_only_its_own_mails_to_a_person(
    acme: httpx2.Client, other: httpx2.Client, root: httpx2.Client
) -> None:
    mail = {"recipients": ["shared@example.com"], "template": "welcome"}
    ids = [of.post("/emails", json=mail, headers=WAIT).json()["id"] for of in (acme, other)]

    def seen(of: httpx2.Client) -> list[tuple[str, str]]:
        mails = of.get("/emails/recipients/Shared@Example.com").json()["mails"]
        return [(mail["id"], mail["tenant"]) for mail in mails]

    assert seen(acme) == [(ids[0], "acme")]
    assert seen(other) == [(ids[1], "other")]
    assert seen(root) == [(ids[1], "other"), (ids[0], "acme")]
    assert acme.delete("/emails/recipients/shared@example.com").status_code == 403


def test_a_key_for_one_kind_orders_no_other_kind(own_system: System) -> None:
    webhook = {"url": "https://hooks.example.com/"}
    tasks = [{"kind": "report"} | LATER, {"kind": "webhook"} | webhook | LATER]
    for shop in client(own_system, "shop/submit=report@acme"):
        order(shop)
        refused = shop.post("/webhooks", json=webhook)
        blast = shop.post("/emails/some/start")
        bulk = shop.post("/tasks/bulk", json={"tasks": tasks})

    assert (refused.status_code, blast.status_code) == (403, 403)
    assert refused.json()["detail"] == "This API key does not have the scope submit=webhook"
    assert [each["status"] for each in bulk.json()["tasks"]] == [202, 403]

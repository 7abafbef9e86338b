"""A package of one's own, beside the checkout: its kinds run, and are offered over HTTP."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect
from redis import Redis

from tests.support.browsers.playwright_browser import find_barriers, launch_browser, visit_page
from tests.support.programs.processes import ROOT
from tests.support.programs.system import System
from tests.support.waiting import PATIENCE, wait_until

PACKAGES = ROOT / "tests" / "support" / "packages"
ORDER = {
    "customer": "ACME",
    "lines": [{"text": "work", "amount": 19.9}, {"text": "x", "amount": 1}],
}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system with the package."""
    system = System(tmp_path_factory.mktemp("own") / "data")
    try:
        system.start(
            PYTHONPATH=str(PACKAGES),
            CONTINUO_TASKS="acme.billing",
            CONTINUO_APP="acme.celery:app",
            ACME_REDIS=system.redis_url,
        )
        yield system
    finally:
        system.close()


def order_and_wait(own: System, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = own.http.post(path, json=body, headers={"Prefer": "wait=25"}, timeout=40)
    assert answer.status_code == 200, answer.text
    record: dict[str, Any] = answer.json()
    return record


def read_result(own: System, job_id: str) -> Any:
    """Wait for a job of a plain Celery client; a worker writes its record."""
    wait_until(lambda: own.http.get(f"/tasks/{job_id}").status_code == 200)
    return own.wait_until_final("/tasks", job_id)["result"]


def test_a_typed_kind_gets_objects_and_returns_them(own: System) -> None:
    record = order_and_wait(own, "/invoices", ORDER | {"due": "2026-12-24", "tags": ["a"]})

    assert record["result"] == {"customer": "ACME", "total": 20.9, "due": "2026-12-24"}
    assert (record["kind"], record["tags"]) == ("invoice", ["a"])
    assert own.http.get(f"/invoices/{record['id']}").json()["status"] == "success"
    assert [each["id"] for each in own.http.get("/invoices").json()["tasks"]] == [record["id"]]


def test_plain_parameters_are_the_body(own: System) -> None:
    record = order_and_wait(own, "/billing/reminders", {"customer": "A", "tone": "firm"})

    assert record["result"] == {
        "job": record["id"],
        "customer": "A",
        "tone": "firm",
        "days": [7],
    }


def test_async_functions_typed_dicts_and_pydantic_models(own: System) -> None:
    parcel = {"address": {"street": "Main", "zip": "12345"}, "weight": 2.5}

    assert order_and_wait(own, "/parcels", parcel)["result"] == 2.5
    booking = order_and_wait(own, "/bookings", {"booking": {"room": "R2", "nights": 2}})
    assert booking["result"] == {"room": "R2", "nights": 3}


def test_fields_have_their_names_in_json(own: System) -> None:
    record = order_and_wait(own, "/readings", {"meterId": "m", "lastValue": 4})

    assert record["result"] == {"meterId": "m", "lastValue": 5}
    assert own.http.post("/readings", json={"meter_id": "m"}).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("/invoices", {}, ["/customer", "/lines"]),
        ("/invoices", ORDER | {"lines": []}, ["/lines"]),
        ("/invoices", ORDER | {"colour": "red"}, ["/colour"]),
        ("/invoices", ORDER | {"customer": "acme"}, ["/customer"]),
        (
            "/invoices",
            {"customer": 5, "lines": [{"text": "a", "amount": -1}, {"amount": "x"}]},
            ["/customer", "/lines/0/amount", "/lines/1/amount", "/lines/1/text"],
        ),
        ("/billing/reminders", {"customer": "A", "tone": "loud"}, ["/tone"]),
        ("/parcels", {"address": {"street": "a", "zip": "1"}}, ["/address/zip"]),
        (
            "/bookings",
            {"booking": {"room": "R", "nights": 0}},
            ["/booking/room", "/booking/nights"],
        ),
        ("/invoices", ORDER | {"delay": -1}, ["/delay"]),
    ],
    ids=str,
)
def test_a_wrong_order_is_refused_with_every_wrong_field(
    own: System, path: str, body: dict[str, Any], pointers: list[str]
) -> None:
    answer = own.http.post(path, json=body)

    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert {each.get("pointer") or f"/{each['field']}" for each in errors} == {*pointers}


def test_typed_kinds_are_in_the_document_with_the_type_of_their_result(own: System) -> None:
    document = own.http.get("/openapi.json").json()

    post = document["paths"]["/invoices"]["post"]
    assert post["operationId"] == "order_invoice"
    assert post["summary"] == "Write an invoice"
    schemas = document["components"]["schemas"]
    body = schemas["InvoiceOrder"]
    assert body["required"] == ["customer", "lines"]
    assert body["properties"]["customer"]["description"] == "Who pays."
    assert {"delay", "unique", "tags", "due"} <= body["properties"].keys()
    result = schemas["InvoiceRecord"]["properties"]["result"]
    assert {"$ref": "#/components/schemas/Invoice"} in result["anyOf"]
    booking = schemas["BookingOrder"]["properties"]["booking"]
    assert booking["properties"]["nights"]["minimum"] == 1


def test_typed_kinds_can_be_ordered_in_bulk(own: System) -> None:
    tasks = [{"kind": "invoice"} | ORDER, {"kind": "invoice", "customer": ""}]

    answer = own.http.post("/tasks/bulk", json={"tasks": tasks})

    assert answer.status_code == 207
    assert [each["status"] for each in answer.json()["tasks"]] == [202, 422]


def test_the_console_has_a_form_for_each_typed_kind(own: System) -> None:
    kinds = {each["kind"]: each for each in own.http.get("/kinds").json()["kinds"]}
    own_kinds = {"billing.remind", "booking", "invoice", "parcel", "reading"}
    assert set(kinds) == own_kinds | {"email_blast", "export", "report", "webhook"}
    assert kinds["invoice"]["fields"] == ["customer", "lines", "due"]

    with launch_browser() as browser, visit_page(browser, str(own.http.base_url)) as page:
        page.get_by_role("link", name="New job").click()
        page.get_by_label("Kind", exact=True).select_option("invoice")
        page.get_by_label("customer", exact=True).fill("ACME")
        page.get_by_label("lines", exact=True).fill('[{"text": "work", "amount": -2}]')
        page.get_by_role("button", name="Order").click()
        expect(page.get_by_role("alert")).to_have_text("/lines/0/amount: must be at least 0")
        assert find_barriers(page) == []
        page.get_by_label("lines", exact=True).fill('[{"text": "work", "amount": 2}]')
        page.get_by_role("button", name="Order").click()
        expect(page.get_by_text("success").first).to_be_visible()


def test_a_job_is_ordered_again_with_changes(own: System) -> None:
    first = order_and_wait(own, "/invoices", ORDER | {"due": "2026-12-24"})

    with launch_browser() as browser, visit_page(browser, str(own.http.base_url)) as page:
        page.goto(f"{own.http.base_url}/console/jobs/{first['id']}")
        page.get_by_role("link", name="Order again with changes").click()
        expect(page.get_by_label("customer", exact=True)).to_have_value("ACME")
        expect(page.get_by_label("due", exact=True)).to_have_value("2026-12-24")
        expect(page.get_by_text("Who pays.")).to_be_visible()
        assert find_barriers(page) == []
        page.get_by_label("customer", exact=True).fill("Others")
        page.get_by_role("button", name="Order").click()
        expect(page.get_by_text("success").first).to_be_visible()
        again = own.http.get(f"/invoices/{page.url.rpartition('/')[2]}").json()

    assert again["result"] == first["result"] | {"customer": "Others"}


def test_tasks_of_an_own_celery_app_become_jobs(own: System) -> None:
    from celery import Celery

    client = Celery("client", broker=own.redis_url)
    sent = client.send_task("acme.old.add", (1, 2), task_id="old-1")
    client.send_task("acme.old.slow", ("file",), task_id="old-2", queue="slow")
    client.send_task("acme.old.double", (21,), task_id="old-3")
    client.send_task("acme.old.add", (4, 5), task_id="old-4", queue="urgent")

    results = [read_result(own, f"old-{n}") for n in (1, 2, 3, 4)]

    assert sent.id == "old-1"
    assert results == [3, "hello file", 42, 9]
    assert own.record("/tasks", "old-2")["attempts"] == 2


def test_tasks_of_an_own_celery_app_call_each_other_and_wait(own: System) -> None:
    from celery import Celery

    client = Celery("client", broker=own.redis_url)
    for name in ("call_others", "unlucky", "tell_context"):
        client.send_task(f"acme.old.{name}", task_id=f"calls-{name}", queue="acme")

    assert read_result(own, "calls-call_others") == [3, 8, 7, 3, 8, 6]
    assert read_result(own, "calls-unlucky") == 1
    assert read_result(own, "calls-tell_context") == {"context": ["acme"], "app": "continuo"}


def test_celery_clients_of_an_own_app_find_results_where_they_did(own: System) -> None:
    from celery import Celery, chord, states

    client = Celery("client", broker=own.redis_url, backend=own.redis_url)

    def send(name: str, *args: Any) -> Any:
        return client.send_task(f"acme.old.{name}", args, queue="acme")

    add, silent, failing = send("add", 1, 2), send("tell_nobody"), send("report_steps")
    parts = [client.signature("acme.old.add", args=(n, n), queue="acme") for n in (1, 2)]
    total = chord(parts)(client.signature("acme.old.total", queue="acme"))

    assert add.get(timeout=20) == 3
    assert total.get(timeout=20) == 6
    with pytest.raises(LookupError, match="no such step"):
        failing.get(timeout=20)
    assert failing.state == states.FAILURE
    assert "report_steps" in failing.traceback
    assert read_result(own, silent.id) is None
    assert silent.state == states.PENDING


def test_celery_clients_of_an_own_app_hear_of_the_states_of_a_job(own: System) -> None:
    from celery import Celery

    client = Celery("client", broker=own.redis_url)
    with Redis.from_url(own.redis_url) as redis, redis.pubsub() as ear:
        ear.subscribe("celery-task-meta-steps")
        ear.get_message(timeout=5)  # subscribed
        client.send_task("acme.old.report_steps", task_id="steps", queue="acme")

        told = [ear.get_message(timeout=10 * PATIENCE) for _ in range(4)]

    states = [json.loads(each["data"])["status"] for each in told if each]
    assert list(dict.fromkeys(states)) == ["HALFWAY", "FAILURE"]

"""Callbacks over HTTP, on a system that may call no internal address."""

from typing import Any

import pytest

from tests.support.programs.system import System
from tests.support.waiting import wait_until

NOBODY = "http://nobody.invalid/hook?token=query-of-secrets"


def create_delivery(system: System, **said: Any) -> tuple[str, dict[str, Any]]:
    """The id of a finished report, and the record of its delivery."""
    order = {"callback_url": NOBODY, "filters": {"department": "engineering"}, "type": "monthly"}
    job_id = system.order("/reports", order | said)["id"]
    assert system.wait_until_final("/tasks", job_id)["status"] == "success"
    answer = system.http.get(f"/tasks/{job_id}/delivery")
    assert answer.status_code == 200
    record: dict[str, Any] = answer.json()
    return job_id, record


def test_a_delivery_is_a_job_that_can_be_shown_cancelled_and_sent_again(system: System) -> None:
    job_id, record = create_delivery(system)
    path = f"/tasks/{record['id']}"
    assert (record["kind"], record["max_retries"]) == ("callback", 10)

    wait_until(lambda: system.http.get(path).json()["status"] == "retrying")
    assert "nobody.invalid" in system.http.get(path).json()["error"]
    assert "query-of-secrets" not in system.http.get(path).text
    assert record["id"] in {
        task["id"] for task in system.http.get("/tasks?kind=callback").json()["tasks"]
    }

    refused = system.http.post(f"/tasks/{job_id}/redeliver")
    assert (refused.status_code, refused.json()["task"]["id"]) == (409, record["id"])

    assert system.http.post(f"{path}/cancel").status_code == 200

    for of in (job_id, record["id"]):
        again = system.http.post(f"/tasks/{of}/redeliver")
        assert (again.status_code, again.headers["Location"]) == (202, path)
        wait_until(lambda: system.http.get(path).json()["status"] == "retrying")
        assert system.http.post(f"{path}/cancel").status_code == 200

    assert system.http.post(f"{path}/retry").status_code == 202


def test_a_job_without_a_callback_has_no_delivery(system: System) -> None:
    job_id = system.order("/reports", {"delay": 600})["id"]

    assert system.http.get(f"/tasks/{job_id}/delivery").status_code == 404
    assert system.http.post(f"/tasks/{job_id}/redeliver").status_code == 404
    assert system.http.get("/tasks/nobody/delivery").status_code == 404


@pytest.mark.parametrize("path", ["/reports", "/emails", "/webhooks"])
def test_an_order_with_a_forbidden_callback_url_is_refused(system: System, path: str) -> None:
    body = {"/emails": {"recipients": ["a@example.com"]}, "/webhooks": {"url": NOBODY}}
    before = system.stats()["total_tasks"]

    for url in ("http://169.254.169.254/", "nowhere"):
        order = body.get(path, {}) | {"callback_url": url}
        answer = system.http.post(path, json=order)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "callback_url")

    assert system.stats()["total_tasks"] == before


def test_callbacks_can_be_ordered_in_bulk(system: System) -> None:
    tasks = [
        {"kind": "report", "delay": 600, "callback_url": NOBODY},
        {"kind": "report", "callback_url": "http://10.0.0.1/"},
    ]
    outcome = system.http.post("/tasks/bulk", json={"tasks": tasks}).json()
    assert [one["status"] for one in outcome["tasks"]] == [202, 422]

    first = outcome["tasks"][0]["task"]["id"]
    system.http.post(f"/tasks/{first}/cancel")
    assert system.http.get(f"/tasks/{first}/delivery").json()["kind"] == "callback"


def test_only_a_disabled_url_can_be_enabled(system: System) -> None:
    assert system.http.get("/callbacks/disabled").json() == {"urls": []}
    assert system.http.post("/callbacks/enable", json={"url": NOBODY}).status_code == 404

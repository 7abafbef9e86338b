"""Callbacks, ordered and looked after over HTTP. This system may call nothing internal."""

from typing import Any

import pytest

from tests.support.system import House
from tests.support.waiting import until

NOBODY = "http://nobody.invalid/hook?token=query-of-secrets"


def told(house: House, **said: Any) -> tuple[str, dict[str, Any]]:
    """The id of a report that is done, and the record of the delivery that tells of it."""
    order = {"callback_url": NOBODY, "filters": {"department": "engineering"}, "type": "monthly"}
    job_id = house.order("/reports", order | said)["id"]
    assert house.final("/tasks", job_id)["status"] == "success"
    answer = house.http.get(f"/tasks/{job_id}/delivery")
    assert answer.status_code == 200
    record: dict[str, Any] = answer.json()
    return job_id, record


def test_a_delivery_is_a_job_that_can_be_looked_at_stopped_and_sent_again(house: House) -> None:
    job_id, record = told(house)
    path = f"/tasks/{record['id']}"
    assert (record["kind"], record["max_retries"]) == ("callback", 10)
    until(lambda: house.http.get(path).json()["status"] == "retrying")
    assert "nobody.invalid" in house.http.get(path).json()["error"]
    assert "query-of-secrets" not in house.http.get(path).text
    assert record["id"] in {
        task["id"] for task in house.http.get("/tasks?kind=callback").json()["tasks"]
    }

    refused = house.http.post(f"/tasks/{job_id}/redeliver")
    assert (refused.status_code, refused.json()["task"]["id"]) == (409, record["id"])

    assert house.http.post(f"{path}/cancel").status_code == 200
    for of in (job_id, record["id"]):
        again = house.http.post(f"/tasks/{of}/redeliver")
        assert (again.status_code, again.headers["Location"]) == (202, path)
        until(lambda: house.http.get(path).json()["status"] == "retrying")
        assert house.http.post(f"{path}/cancel").status_code == 200
    assert house.http.post(f"{path}/retry").status_code == 202


def test_a_job_without_a_callback_has_no_delivery(house: House) -> None:
    job_id = house.order("/reports", {"delay": 600})["id"]
    assert house.http.get(f"/tasks/{job_id}/delivery").status_code == 404
    assert house.http.post(f"/tasks/{job_id}/redeliver").status_code == 404
    assert house.http.get("/tasks/nobody/delivery").status_code == 404


@pytest.mark.parametrize("path", ["/reports", "/emails", "/webhooks"])
def test_a_url_that_may_not_be_called_refuses_the_order(house: House, path: str) -> None:
    body = {"/emails": {"recipients": ["a@example.com"]}, "/webhooks": {"url": NOBODY}}
    before = house.stats()["total_tasks"]
    for url in ("http://169.254.169.254/", "nowhere"):
        order = body.get(path, {}) | {"callback_url": url}
        answer = house.http.post(path, json=order)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "callback_url")
    assert house.stats()["total_tasks"] == before


def test_callbacks_can_be_ordered_in_bulk(house: House) -> None:
    tasks = [
        {"kind": "report", "delay": 600, "callback_url": NOBODY},
        {"kind": "report", "callback_url": "http://10.0.0.1/"},
    ]
    outcome = house.http.post("/tasks/bulk", json={"tasks": tasks}).json()
    assert [one["status"] for one in outcome["tasks"]] == [202, 422]
    first = outcome["tasks"][0]["task"]["id"]
    house.http.post(f"/tasks/{first}/cancel")
    assert house.http.get(f"/tasks/{first}/delivery").json()["kind"] == "callback"


def test_only_a_url_that_was_disabled_can_be_enabled(house: House) -> None:
    assert house.http.get("/callbacks/disabled").json() == {"urls": []}
    assert house.http.post("/callbacks/enable", json={"url": NOBODY}).status_code == 404

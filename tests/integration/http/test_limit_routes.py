"""The routes of limits."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.programs.api_process import ApiProcess

LIMIT = {"tag": "of this test", "concurrency": 2}


@pytest.fixture
def http(api: ApiProcess) -> Iterator[httpx2.Client]:
    """A client of an API without limits."""
    with api.client() as client:
        for limit in client.get("/limits").json()["limits"]:
            client.delete(f"/limits/{limit['name']}")
        yield client


def test_a_limit_is_made_changed_and_deleted(http: httpx2.Client) -> None:
    made = http.put("/limits/reports", json=LIMIT)
    shown = http.get("/limits/reports")
    changed = http.put("/limits/reports", json=LIMIT | {"rate": "10/s"})
    (listed,) = http.get("/limits").json()["limits"]
    deleted = http.delete("/limits/reports")

    assert (made.status_code, changed.status_code, deleted.status_code) == (201, 200, 204)
    assert made.json() == shown.json()
    assert made.headers["ETag"] == shown.headers["ETag"] != changed.headers["ETag"]
    assert (listed["name"], listed["limit"]["burst"], listed["declared"]) == ("reports", 1, False)
    assert (listed["running"], listed["lanes_held"], listed["jobs_held"]) == (0, 0, 0)
    assert http.get("/limits/reports").status_code == 404
    assert http.delete("/limits/reports").status_code == 404


def test_a_change_is_refused_when_the_limit_is_another_by_now(http: httpx2.Client) -> None:
    tag = http.put("/limits/reports", json=LIMIT).headers["ETag"]
    assert http.put("/limits/reports", json=LIMIT | {"concurrency": 3}).status_code == 200

    late = http.put("/limits/reports", json=LIMIT, headers={"If-Match": tag})
    unmade = http.put("/limits/reports", json=LIMIT, headers={"If-None-Match": "*"})
    undeleted = http.delete("/limits/reports", headers={"If-Match": tag})
    current = http.get("/limits/reports").headers["ETag"]
    good = http.put("/limits/reports", json=LIMIT, headers={"If-Match": current})
    new = http.put("/limits/other", json=LIMIT, headers={"If-Match": "*"})

    answers = (late, unmade, undeleted, good, new)
    assert [each.status_code for each in answers] == [412, 412, 412, 200, 412]
    assert http.put("/limits/new", json=LIMIT, headers={"If-None-Match": "*"}).status_code == 201


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("a%20b", LIMIT, "name"),
        ("a", {"kind": "report"}, "concurrency"),
        ("a", {"rate": "10 a second"}, "rate"),
        ("a", {"concurrency": -1}, "concurrency"),
        ("a", {"concurrency": 1, "each": "kind"}, "each"),
        ("a", {"weight": 2}, "weight"),
        ("a", {"concurrency": 1, "burst": 2}, "burst"),
        ("a", {"concurrency": 1, "max": 2}, "max"),
    ],
    ids=["name", "nothing", "rate", "negative", "each", "weight", "burst", "unknown"],
)
def test_a_limit_that_cannot_be_is_refused(
    http: httpx2.Client, name: str, body: dict[str, object], field: str
) -> None:
    refused = http.put(f"/limits/{name}", json=body)

    assert refused.status_code == 422, refused.text
    assert field in refused.text


def test_an_order_names_its_lane(http: httpx2.Client) -> None:
    order = {"type": "summary", "lane": "night"}

    one = http.post("/reports", json=order)
    many = http.post("/tasks/bulk", json={"tasks": [order | {"kind": "report"}]})
    bad = http.post("/reports", json=order | {"lane": "a\nb"})

    assert one.json()["lane"] == many.json()["tasks"][0]["task"]["lane"] == "night"
    assert http.get(f"/reports/{one.json()['id']}").json()["lane"] == "night"
    assert bad.status_code == 422
    assert "lane" in bad.text

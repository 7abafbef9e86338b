"""The routes of switches."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.support.programs.api_process import ApiProcess

SWITCH = {"kind": "report", "field": {"path": "type", "equals": "summary"}}


@pytest.fixture
def http(api: ApiProcess) -> Iterator[httpx2.Client]:
    """A client of an API without switches."""
    with api.client() as client:
        for switch in client.get("/switches").json()["switches"]:
            client.delete(f"/switches/{switch['name']}")
        yield client


def test_a_switch_is_made_changed_and_deleted(http: httpx2.Client) -> None:
    made = http.put("/switches/off", json=SWITCH)
    shown = http.get("/switches/off")
    changed = http.put("/switches/off", json=SWITCH | {"until": 4_000_000_000, "action": "hold"})
    (listed,) = http.get("/switches").json()["switches"]
    deleted = http.delete("/switches/off")

    assert (made.status_code, changed.status_code, deleted.status_code) == (201, 200, 204)
    assert made.json() == shown.json()
    assert made.headers["ETag"] == shown.headers["ETag"] != changed.headers["ETag"]
    assert (listed["name"], listed["switch"]["action"], listed["tries"]) == ("off", "hold", False)
    assert listed["switch"]["until"] == 4_000_000_000
    assert (listed["running"], listed["lanes_held"], listed["jobs_held"]) == (0, 0, 0)
    assert http.get("/limits").json()["limits"] == []
    assert http.get("/switches/off").status_code == 404
    assert http.delete("/switches/off").status_code == 404


def test_a_change_is_refused_when_the_switch_is_another_by_now(http: httpx2.Client) -> None:
    tag = http.put("/switches/off", json=SWITCH).headers["ETag"]
    assert http.put("/switches/off", json=SWITCH | {"action": "fail"}).status_code == 200

    late = http.put("/switches/off", json=SWITCH, headers={"If-Match": tag})
    unmade = http.put("/switches/off", json=SWITCH, headers={"If-None-Match": "*"})
    undeleted = http.delete("/switches/off", headers={"If-Match": tag})
    current = http.get("/switches/off").headers["ETag"]
    good = http.put("/switches/off", json=SWITCH, headers={"If-Match": current})
    new = http.put("/switches/other", json=SWITCH, headers={"If-Match": "*"})

    answers = (late, unmade, undeleted, good, new)
    assert [each.status_code for each in answers] == [412, 412, 412, 200, 412]
    assert http.put("/switches/new", json=SWITCH, headers={"If-None-Match": "*"}).status_code == 201


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("a%20b", SWITCH, "name"),
        ("host:a.example", SWITCH, "name"),
        ("a", {}, "kind"),
        ("a", {"kind": "report", "action": "pause"}, "action"),
        ("a", {"field": {"path": "type"}}, "equals"),
        ("a", {"field": {"path": "a..b", "equals": 1}}, "path"),
        ("a", {"kind": "report", "until": "tomorrow"}, "until"),
        ("a", {"kind": "report", "max": 2}, "max"),
    ],
    ids=["name", "host", "nothing", "action", "no value", "path", "until", "unknown"],
)
def test_a_switch_that_cannot_be_is_refused(
    http: httpx2.Client, name: str, body: dict[str, object], field: str
) -> None:
    refused = http.put(f"/switches/{name}", json=body)

    assert refused.status_code == 422, refused.text
    assert field in refused.text

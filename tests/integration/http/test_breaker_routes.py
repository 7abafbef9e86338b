"""The routes of breakers."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pytest

from tests.support.programs.api_process import ApiProcess

BREAKER = {"share": 0.25, "of": 8, "within": 30, "hold": 10}


@pytest.fixture
def http(api: ApiProcess) -> Iterator[httpx2.Client]:
    """A client of an API without breakers."""
    with api.client() as client:
        for breaker in client.get("/breakers").json()["breakers"]:
            client.delete(f"/breakers/{quote(breaker['kind'], safe='')}")
        yield client


@pytest.mark.parametrize("kind", ["report", "a b/c"])
def test_a_breaker_is_made_changed_and_deleted(http: httpx2.Client, kind: str) -> None:
    path = f"/breakers/{quote(kind, safe='')}"

    made = http.put(path, json=BREAKER)
    shown = http.get(path)
    changed = http.put(path, json={"of": 1})
    (listed,) = http.get("/breakers").json()["breakers"]
    deleted = http.delete(path)

    assert (made.status_code, changed.status_code, deleted.status_code) == (201, 200, 204)
    assert made.json() == shown.json()
    assert made.json() == {"kind": kind, "breaker": BREAKER, "declared": False}
    assert made.headers["ETag"] == shown.headers["ETag"] != changed.headers["ETag"]
    assert listed == changed.json() | {
        "stage": "closed",
        "until": None,
        "attempts": 0,
        "failures": 0,
    }
    assert changed.json()["breaker"] == {"share": 0.5, "of": 1, "within": 60, "hold": 30}
    assert http.get(path).status_code == 404
    assert http.delete(path).status_code == 404


def test_a_change_is_refused_when_the_breaker_is_another_by_now(http: httpx2.Client) -> None:
    tag = http.put("/breakers/report", json=BREAKER).headers["ETag"]
    assert http.put("/breakers/report", json=BREAKER | {"of": 3}).status_code == 200

    late = http.put("/breakers/report", json=BREAKER, headers={"If-Match": tag})
    unmade = http.put("/breakers/report", json=BREAKER, headers={"If-None-Match": "*"})
    undeleted = http.delete("/breakers/report", headers={"If-Match": tag})
    current = http.get("/breakers/report").headers["ETag"]
    good = http.put("/breakers/report", json=BREAKER, headers={"If-Match": current})

    answers = (late, unmade, undeleted, good)
    assert [each.status_code for each in answers] == [412, 412, 412, 200]


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("k" * 256, BREAKER, "kind"),
        ("report", {"share": 0}, "share"),
        ("report", {"share": 1.1}, "share"),
        ("report", {"of": 0}, "of"),
        ("report", {"of": 1.5}, "of"),
        ("report", {"within": 86_401}, "within"),
        ("report", {"hold": 0}, "hold"),
        ("report", {"kind": "report"}, "kind"),
    ],
    ids=["long", "no share", "share", "of", "fraction", "within", "hold", "unknown"],
)
def test_a_breaker_that_cannot_be_is_refused(
    http: httpx2.Client, kind: str, body: dict[str, object], field: str
) -> None:
    refused = http.put(f"/breakers/{kind}", json=body)

    assert refused.status_code == 422, refused.text
    assert field in refused.text

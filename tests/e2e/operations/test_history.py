"""Ended jobs are found in the history of a running system, by those who may see them."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.programs.system import System
from tests.support.waiting import wait_until

KEYS = {"root": "root-0123456789abcdef", "one@acme": "one-0123456789abcdef"}
ARCHIVE_TIMEOUT_SECONDS = 40.0


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with a history, in which two jobs have ended."""
    system = System(tmp_path_factory.mktemp("history"))
    system.http.headers["X-API-Key"] = KEYS["root"]
    keys = ",".join(f"{name}:{key}" for name, key in KEYS.items())
    system.start(CONTINUO_API_KEYS=keys, CONTINUO_HISTORY="1")
    for name, key in KEYS.items():
        order = {"delay": 3600, "tags": [name.partition("@")[0]], "type": "summary"}
        answer = system.http.post("/reports", json=order, headers={"X-API-Key": key})
        assert answer.status_code == 202, answer.text
        assert system.http.post(f"/tasks/{answer.json()['id']}/cancel").status_code == 200
    wait_until(lambda: len(find(system.http)) == 2, ARCHIVE_TIMEOUT_SECONDS)
    yield system
    system.close()


@pytest.fixture
def acme(archive: System) -> Iterator[httpx2.Client]:
    headers = {"X-API-Key": KEYS["one@acme"]}
    with httpx2.Client(
        base_url=archive.http.base_url, headers=headers, trust_env=False, timeout=30
    ) as client:
        yield client


def find(of: httpx2.Client, **query: Any) -> list[list[str]]:
    answer = of.get("/history", params=query)
    assert answer.status_code == 200, answer.text
    return [job["tags"] for job in answer.json()["jobs"]]


def test_jobs_are_found_by_filters_and_by_values(archive: System) -> None:
    assert find(archive.http) == [["one"], ["root"]]
    assert find(archive.http, tag="root", status="cancelled", kind="report") == [["root"]]
    assert find(archive.http, status="success") == []
    assert len(find(archive.http, **{"payload.type": "summary"})) == 2
    assert find(archive.http, **{"payload.type": "monthly"}) == []


def test_a_tenant_finds_only_its_own_jobs(acme: httpx2.Client) -> None:
    assert find(acme) == [["one"]]
    assert [each["count"] for each in acme.get("/history/summary").json()["sums"]] == [1]


def test_the_link_leads_through_all_pages(archive: System) -> None:
    first = archive.http.get("/history?limit=1&format=jsonl&payload.type=summary")

    assert first.headers["content-type"].startswith("application/jsonl")
    assert len(first.text.splitlines()) == 1
    target = first.headers["link"].partition(">")[0].lstrip("<")
    second = archive.http.get(target)
    assert "link" not in second.headers
    assert {*first.text.splitlines()}.isdisjoint(second.text.splitlines())


def test_a_page_is_exported_as_csv(archive: System) -> None:
    answer = archive.http.get("/history", params={"format": "csv"})

    assert answer.text.splitlines()[0].startswith("id,kind,queue,lane,tenant,status,tags")
    assert len(answer.text.splitlines()) == 3


@pytest.mark.parametrize(
    "query", ["payload..x=1", "payload.a'b=1", "error.x=1", "status=running", "limit=0", "cursor=x"]
)
def test_a_wrong_search_is_refused(archive: System, query: str) -> None:
    assert archive.http.get(f"/history?{query}").status_code == 400


def test_a_summary_of_too_long_a_time_is_refused(archive: System) -> None:
    answer = archive.http.get("/history/summary?from=0&to=1795737600")

    assert answer.status_code == 400
    assert "366 days" in answer.json()["detail"]


def test_only_a_key_for_all_tenants_erases(acme: httpx2.Client) -> None:
    assert acme.delete("/history?payload.type=summary").status_code == 403
    assert acme.get("/history/erasures").status_code == 403


def test_an_erasure_needs_a_condition(archive: System) -> None:
    assert archive.http.delete("/history?kind=report").status_code == 400


def test_an_erasure_is_tried_done_and_accounted_for(archive: System) -> None:
    tried = archive.http.delete("/history?id=none&dry_run=true")
    assert tried.json() == {"jobs": 0, "complete": True, "dry_run": True, "unarchived": 0}

    counted = archive.http.delete("/history?payload.type=summary&dry_run=true").json()
    assert (counted["jobs"], len(find(archive.http))) == (2, 2)
    done = archive.http.delete("/history?payload.type=summary").json()

    assert (done["jobs"], find(archive.http)) == (2, [])
    (account,) = archive.http.get("/history/erasures").json()["erasures"]
    assert (account["by"], account["fields"], account["jobs"]) == ("root", ["payload.type"], 2)


def test_without_a_history_the_answer_says_how_to_turn_it_on(system: System) -> None:
    answer = system.http.get("/history")

    assert answer.status_code == 404
    assert "CONTINUO_HISTORY=1" in answer.json()["detail"]

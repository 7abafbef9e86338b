"""/errors on a running API: the causes of failed jobs, their states, and their jobs run again."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from project.local.valkey import EmbeddedValkey
from project.records.cause import Filing
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts, jobs
from tests.support.event_listeners import api_on
from tests.support.job_commands import message, start
from tests.support.programs.api_process import ApiProcess

FINGERPRINT = "aaaaaaaaaaaa"
PATH = f"/errors/{FINGERPRINT}"


@pytest.fixture(scope="module")
def api(valkey: EmbeddedValkey) -> Iterator[ApiProcess]:
    """An API for all tests of this module."""
    with api_on(valkey) as process:
        yield process


@pytest.fixture(autouse=True)
def failed(store: Store) -> None:
    """Two failures of one cause, and one of another."""
    for job_id, fingerprint in (("a", FINGERPRINT), ("b", FINGERPRINT), ("c", "cccccccccccc")):
        store.run(jobs.enqueue(message(job_id)))
        start(store, job_id)
        about: dict[str, Any] = {"error": "e", "exception": "{}", "result_message": "{}"}
        filing = Filing(fingerprint, f"KeyError: {fingerprint}", ["shop/orders.py:pay"])
        status = TaskStatus.FAILED
        store.run(attempts.fail(job_id, token="t", status=status, filing=filing, **about))


def send(api: ApiProcess, method: str, path: str, **options: Any) -> httpx2.Response:
    """The answer to a request with any method."""
    with api.client() as client:
        return client.request(method, path, **options)


def test_causes_are_listed_those_of_the_newest_failures_first(api: ApiProcess) -> None:
    listed = api.get("/errors").json()["errors"]

    assert [(each["fingerprint"], each["count"]) for each in listed] == [
        ("cccccccccccc", 1),
        (FINGERPRINT, 2),
    ]
    assert listed[1]["kinds"] == {"report": 2}
    assert len(listed[1]["last_day"]) == 24
    assert sum(listed[1]["last_day"][-2:]) == 2  # the hour may have ended since
    assert listed[1]["frames"] == ["shop/orders.py:pay"]


def test_a_cause_is_shown_with_its_hours(api: ApiProcess) -> None:
    shown = api.get(PATH).json()

    assert [hour["count"] for hour in shown["hours"]] == [2]
    assert shown["state"] == "open"


def test_a_resolved_cause_is_listed_as_such(api: ApiProcess) -> None:
    changed = send(api, "PATCH", PATH, json={"state": "resolved"})

    assert (changed.status_code, changed.json()["state"]) == (200, "resolved")
    found = api.get("/errors?state=resolved").json()["errors"]
    assert [each["fingerprint"] for each in found] == [FINGERPRINT]


def test_a_change_for_an_older_state_is_refused(api: ApiProcess) -> None:
    match = {"If-Match": api.get(PATH).headers["ETag"]}

    first = send(api, "PATCH", PATH, json={"state": "resolved"}, headers=match)
    second = send(api, "PATCH", PATH, json={"state": "open"}, headers=match)

    assert (first.status_code, second.status_code) == (200, 412)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"state": "gone"}, "state"),
        ({"state": "open", "ignored_until": 2e9}, "ignored_until"),
        ({"state": "open", "why": "x"}, "why"),
    ],
    ids=["state", "until", "unknown"],
)
def test_an_impossible_change_names_its_field(
    api: ApiProcess, change: dict[str, Any], field: str
) -> None:
    answer = send(api, "PATCH", PATH, json=change)

    assert answer.status_code == 422
    assert field in answer.text


def test_the_jobs_of_a_cause_are_listed(api: ApiProcess) -> None:
    found = api.get(f"/tasks?cause={FINGERPRINT}").json()["tasks"]

    assert [each["id"] for each in found] == ["b", "a"]


@pytest.mark.parametrize(("action", "statuses"), [("retry", ["failed"]), ("cancel", None)], ids=str)
def test_all_jobs_of_a_cause_are_changed_by_a_job(
    api: ApiProcess, store: Store, action: str, statuses: list[str] | None
) -> None:
    answer = send(api, "POST", f"{PATH}/{action}")

    record = answer.json()
    assert (answer.status_code, record["kind"]) == (202, f"{action}_jobs")
    kwargs = api.get(f"/tasks/{record['id']}/payload").json()["kwargs"]
    assert kwargs["cause"] == FINGERPRINT
    assert statuses in (None, kwargs["statuses"])


def test_an_unknown_cause_is_not_there(api: ApiProcess) -> None:
    for method, path in (("GET", ""), ("PATCH", ""), ("POST", "/retry"), ("POST", "/cancel")):
        body = {"json": {"state": "open"}} if method == "PATCH" else {}
        answer = send(api, method, f"/errors/unknown{path}", **body)
        assert answer.status_code == 404

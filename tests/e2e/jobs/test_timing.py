"""Delayed jobs, and answers that wait for a job."""

import time

import pytest

from tests.support.programs.system import System
from tests.support.waiting import wait_until

SOON = 1.0


def test_a_delayed_job_waits(system: System) -> None:
    record = system.order("/reports", {"delay": 3600})
    assert system.record("/reports", record["id"])["status"] == "pending"
    assert system.stats()["queue_size"] == 0


@pytest.mark.parametrize("name", ["delay", "run_at"])
def test_a_job_runs_when_it_is_due(system: System, name: str) -> None:
    due = time.time() + SOON

    ordered = system.order("/emails", {"recipients": [], name: SOON if name == "delay" else due})
    done = system.wait_until_final("/emails", ordered["id"])

    assert done["status"] == "success"
    assert done["started_at"] >= due - 0.05


def test_a_job_for_later_has_a_due_time_and_is_found_by_it(system: System) -> None:
    before = time.time()
    later = [system.order("/reports", {"delay": 3600, "tags": ["due"]}) for _ in range(2)]
    now = system.order("/emails", {"recipients": [], "tags": ["due"]})
    after = time.time()

    first = system.http.get("/tasks?tag=due&scheduled=true&limit=1")
    second = system.http.get(first.links["next"]["url"]).json()["tasks"]
    others = system.http.get("/tasks?tag=due&scheduled=false&limit=1").json()["tasks"]

    assert before + 3600 <= later[0]["due_at"] <= after + 3600
    assert [task["due_at"] for task in first.json()["tasks"]] == [later[1]["due_at"]]
    assert [task["id"] for task in second] == [later[0]["id"]]
    assert (now["due_at"], [task["id"] for task in others]) == (None, [now["id"]])


def test_a_page_of_jobs_that_are_not_scheduled_links_to_the_next_of_them(system: System) -> None:
    for delay in (None, 3600, None):
        system.order("/emails", {"recipients": [], "delay": delay, "tags": ["linked"]})

    first = system.http.get("/tasks?tag=linked&scheduled=false&limit=1")
    second = system.http.get(first.links["next"]["url"])

    assert [task["due_at"] for task in second.json()["tasks"]] == [None]
    assert "next" not in second.links


def test_a_job_that_does_not_start_in_time_fails_with_the_reason(system: System) -> None:
    ordered = system.order("/emails", {"recipients": [], "delay": 1, "expires": 0})
    done = system.wait_until_final("/emails", ordered["id"])

    assert (done["status"], done["attempts"], done["result"]) == ("failed", 0, None)
    assert "expired" in done["error"]


def test_an_order_can_wait_for_its_job(system: System) -> None:
    answer = system.http.post("/emails", json={"recipients": []}, headers={"Prefer": "wait=10"})
    assert (answer.status_code, answer.json()["status"]) == (200, "success")
    assert answer.headers["preference-applied"] == "wait=10"
    assert "retry-after" not in answer.headers


def test_an_order_whose_job_outlasts_the_wait_is_only_accepted(system: System) -> None:
    order = {"recipients": [], "delay": 60}
    answer = system.http.post("/emails", json=order, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")


def test_a_wait_ends_after_its_time(system: System) -> None:
    job_id = system.order("/reports", {"delay": 3600})["id"]

    began = time.monotonic()
    answer = system.http.get(f"/reports/{job_id}", headers={"Prefer": "respond-async, wait=1"})

    assert 0.9 < time.monotonic() - began < 10
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")
    assert answer.headers["retry-after"] == "3"


@pytest.mark.parametrize("said", ["wait=", "wait=soon", "wait=-1", "handling=lenient"])
def test_an_invalid_wait_preference_is_ignored(system: System, said: str) -> None:
    job_id = system.order("/reports", {"delay": 3600})["id"]
    answer = system.http.get(f"/tasks/{job_id}", headers={"Prefer": said})

    assert answer.status_code == 200
    assert "preference-applied" not in answer.headers


def test_a_final_record_is_returned_at_once(system: System) -> None:
    job_id = system.order("/emails", {"recipients": []})["id"]
    system.wait_until_final("/emails", job_id)
    wait_until(lambda: system.record("/tasks", job_id)["status"] == "success")
    began = time.monotonic()

    system.http.get(f"/tasks/{job_id}", headers={"Prefer": "wait=20"})

    assert time.monotonic() - began < 10

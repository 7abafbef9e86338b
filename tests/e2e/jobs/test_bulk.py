"""Many jobs in one request; each has its own outcome."""

from typing import Any

import httpx2
import pytest

from tests.support.programs.system import System
from tests.support.waiting import wait_until

PATH = "/tasks/bulk"
BLAST = {"kind": "email_blast", "recipients": ["ada@example.com"]}
REPORT = {"kind": "report", "filters": {}, "max_retries": 5}


def send(system: System, *tasks: Any) -> httpx2.Response:
    return system.http.post(PATH, json={"tasks": list(tasks)})


def test_jobs_of_several_kinds_are_accepted_in_order_and_succeed(system: System) -> None:
    answer = send(system, REPORT, BLAST, REPORT)
    assert answer.status_code == 202

    outcome = answer.json()
    assert (outcome["accepted"], outcome["refused"]) == (3, 0)

    tasks = [one["task"] for one in outcome["tasks"]]
    assert [task["kind"] for task in tasks] == ["report", "email_blast", "report"]
    assert [task["max_retries"] for task in tasks] == [5, 3, 5]
    assert [task["created_at"] for task in tasks] == sorted({task["created_at"] for task in tasks})
    assert system.wait_until_final("/emails", tasks[1]["id"])["result"]["sent"] == 1
    assert system.wait_until_final("/reports", tasks[2]["id"])["status"] == "success"


def test_an_invalid_item_is_refused_and_the_others_are_accepted(system: System) -> None:
    answer = send(
        system,
        REPORT,
        {"kind": "fax"},
        {"kind": ["report"]},
        {"kind": "report", "max_retries": 0},
        {"kind": "report", "filters": {"team": "x"}},
        {"kind": "email_blast", "recipients": ["ada@example.com", "not an address"]},
    )
    assert answer.status_code == 207

    outcome = answer.json()
    assert (outcome["accepted"], outcome["refused"]) == (1, 5)

    problems = [one["problem"] for one in outcome["tasks"][1:]]
    assert [one["status"] for one in outcome["tasks"]] == [202, *[422] * 5]
    assert [problem["instance"] for problem in problems] == [
        f"{PATH}#/tasks/{place}" for place in range(1, 6)
    ]

    where = [problem["errors"][0].get("field") for problem in problems]
    assert where == ["kind", "kind", None, "filters.team", "recipients[1]"]
    assert problems[2]["errors"][0]["pointer"] == "/max_retries"
    assert all(kind in problems[0]["detail"] for kind in ("report", "export", "email_blast"))


def test_an_empty_or_too_large_bulk_order_is_refused(system: System) -> None:
    before = system.stats()["total_tasks"]

    for count in (0, 1_001):
        answer = send(system, *[{"kind": "report"}] * count)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/tasks"

    assert system.stats()["total_tasks"] == before


def test_a_thousand_jobs_are_accepted_at_once(system: System) -> None:
    before = system.stats()["total_tasks"]
    answer = send(system, *[{"kind": "email_blast", "recipients": []}] * 1_000)
    assert answer.status_code == 202

    ids = {one["task"]["id"] for one in answer.json()["tasks"]}
    assert len(ids) == 1_000
    assert system.stats()["total_tasks"] == before + 1_000


def test_a_bulk_order_can_be_a_batch_of_its_valid_jobs(system: System) -> None:
    batch = {"name": "night", "on_complete": BLAST | {"tags": ["after-the-batch"]}}
    body = {"tasks": [REPORT, {"kind": "fax"}, REPORT | {"tags": ["in-a-batch"]}], "batch": batch}

    answer = system.http.post(PATH, json=body)

    outcome = answer.json()
    assert (answer.status_code, outcome["accepted"], outcome["refused"]) == (207, 2, 1)
    assert [each["status"] for each in outcome["tasks"]] == [202, 422, 202]
    assert outcome["tasks"][2]["task"]["tags"] == ["in-a-batch"]
    shown = wait_until(lambda: read_ended(system, outcome["batch"]), 30)
    assert (shown["status"], shown["nodes"]["success"], shown["open"]) == ("success", 2, False)
    after = system.http.get(f"/tasks/{shown['hooks']['on_complete']}").json()
    assert after["tags"] == ["after-the-batch"]


def read_ended(system: System, batch: str) -> Any:
    shown = system.http.get(f"/batches/{batch}").json()
    return shown if shown["finished_at"] else None


def test_a_repeated_bulk_order_makes_one_batch(system: System) -> None:
    body = {"tasks": [REPORT, REPORT], "batch": {"name": "once"}}
    headers = {"Idempotency-Key": "bulk-batch-once"}

    first = system.http.post(PATH, json=body, headers=headers)
    second = system.http.post(PATH, json=body, headers=headers)
    other = system.http.post(PATH, json=body | {"tasks": [REPORT]}, headers=headers)

    assert (first.status_code, second.headers["Idempotent-Replayed"]) == (202, "true")
    assert second.json()["batch"] == first.json()["batch"]
    ids = [[each["task"]["id"] for each in one.json()["tasks"]] for one in (first, second)]
    assert ids[0] == ids[1]
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("batch", "field"),
    [
        ({"name": "x", "on_success": {"kind": "fax"}}, "batch.on_success.kind"),
        ({"name": ""}, "/batch/name"),
    ],
    ids=["hook", "name"],
)
def test_a_wrong_batch_of_a_bulk_order_is_refused_as_a_whole(
    system: System, batch: Any, field: str
) -> None:
    before = system.http.get("/workflows").json()["total"]

    answer = system.http.post(PATH, json={"tasks": [REPORT], "batch": batch})

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error.get("field") or error.get("pointer")) == (422, field)
    assert system.http.get("/workflows").json()["total"] == before


def test_a_bulk_order_without_a_valid_job_makes_no_batch(system: System) -> None:
    unique = REPORT | {"unique": {"key": "k"}}

    answer = system.http.post(PATH, json={"tasks": [unique], "batch": {"name": "none"}})

    assert (answer.status_code, "batch" in answer.json()) == (207, False)
    assert answer.json()["tasks"][0]["problem"]["errors"][0]["field"] == "unique"

"""Jobs of all kinds over HTTP: found, stopped, run again."""

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import redis

from tests.house import House
from tests.patience import until

BLAST = {"recipients": []}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A system whose jobs fail while the test says so."""
    house = House(tmp_path_factory.mktemp("control"))
    house.start(CONTINUO_FAULT_RATE="1")
    yield house
    house.close()


def test_a_waiting_job_is_cancelled_and_can_run_again(own: House) -> None:
    job_id = own.order("/reports", {})["id"]
    until(lambda: own.record("/tasks", job_id)["status"] == "retrying")
    answer = own.http.delete(f"/tasks/{job_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    again = own.http.post(f"/tasks/{job_id}/cancel")
    assert (again.status_code, again.json()["task"]["status"]) == (409, "cancelled")
    revived = own.http.post(f"/tasks/{job_id}/retry")
    assert (revived.status_code, revived.headers["location"]) == (202, f"/tasks/{job_id}")
    until(lambda: own.record("/reports", job_id)["attempts"] > 1)
    refused = own.http.post(f"/tasks/{job_id}/retry")
    assert (refused.status_code, refused.json()["task"]["id"]) == (409, job_id)


def test_a_job_that_is_unknown_can_neither_be_shown_nor_stopped_nor_run(own: House) -> None:
    answers = [
        own.http.get("/tasks/nobody"),
        own.http.delete("/tasks/nobody"),
        own.http.post("/tasks/nobody/cancel"),
        own.http.post("/tasks/nobody/retry"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4


def test_a_job_of_a_kind_that_is_gone_is_not_run_again(own: House) -> None:
    job_id = own.order("/reports", {})["id"]
    own.http.delete(f"/tasks/{job_id}")
    with redis.Redis.from_url(own.redis_url) as client:
        client.hset(f"continuo:job:{job_id}", "kind", "gone")
    answer = own.http.post(f"/tasks/{job_id}/retry")
    assert (answer.status_code, "gone" in answer.json()["detail"]) == (409, True)


def test_jobs_of_all_kinds_are_listed_by_kind_status_and_time(own: House) -> None:
    started = time.time()
    blasts = [own.order("/emails", BLAST)["id"] for _ in range(3)]
    report = own.order("/reports", {})["id"]
    for job_id in blasts:
        own.final("/emails", job_id)

    def found(**query: object) -> list[str]:
        answer = own.http.get("/tasks", params={name: str(value) for name, value in query.items()})
        assert answer.status_code == 200, answer.text
        return [task["id"] for task in answer.json()["tasks"]]

    assert found(created_after=started) == [report, *reversed(blasts)]
    assert found(created_after=started, kind="email_blast") == [*reversed(blasts)]
    second = own.record("/emails", blasts[1])["created_at"]
    assert found(created_after=started, created_before=second) == [blasts[0]]
    assert found(created_after=started, status="success") == [*reversed(blasts)]
    assert found(kind="fax") == []


def test_the_next_page_keeps_what_was_asked_for(own: House) -> None:
    for _ in range(3):
        own.final("/emails", own.order("/emails", BLAST)["id"])
    seen: list[str] = []
    path = "/tasks?kind=email_blast&status=success&limit=2&created_after=1"
    for _ in range(20):
        answer = own.http.get(path)
        seen += [task["id"] for task in answer.json()["tasks"]]
        if "next" not in answer.links:
            break
        path = answer.links["next"]["url"]
        assert "kind=email_blast" in path
        assert "created_after=1.0" in path
    assert len(seen) == len(set(seen)) == own.http.get("/tasks?kind=email_blast").json()["total"]


def test_jobs_are_found_by_tag_queue_and_error(own: House) -> None:
    tags = {"tags": ["nightly", "für Ada"]}
    blast = own.order("/emails", BLAST | tags)
    assert (blast["queue"], blast["tags"]) == ("celery", tags["tags"])
    bulk = {"tasks": [{"kind": "report", "max_retries": 1, "tags": ["nightly"]}]}
    report = own.http.post("/tasks/bulk", json=bulk).json()["tasks"][0]["task"]["id"]
    own.final("/emails", blast["id"])
    own.final("/reports", report)

    def found(**query: str) -> list[str]:
        answer = own.http.get("/tasks", params=query)
        assert answer.status_code == 200, answer.text
        return [task["id"] for task in answer.json()["tasks"]]

    assert found(tag="nightly") == [report, blast["id"]]
    assert found(tag="für Ada", status="success", queue="celery") == [blast["id"]]
    assert found(tag="nightly", kind="report") == [report]
    assert found(tag="nightly", queue="slow") == []
    assert report in found(error="(simulated)")
    assert found(error="no such error") == []
    answer = own.http.get("/tasks", params={"error": "(simulated)", "limit": "1"}).json()
    assert (answer["total"], len(answer["tasks"])) == (None, 1)
    assert answer["looked_at"] >= 1


def test_tags_that_are_none_are_refused(own: House) -> None:
    for tags, where in ((["a"] * 9, "/tags"), (["a", ""], "/tags/1"), (["a\nb"], "tags[0]")):
        answer = own.http.post("/emails", json=BLAST | {"tags": tags})
        fault = answer.json()["errors"][0]
        assert (answer.status_code, fault.get("pointer", fault.get("field"))) == (422, where)


def test_a_queue_is_paused_over_a_restart_and_resumed(own: House) -> None:
    def queue(answer: httpx2.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    assert queue(own.http.post("/queues/celery/pause"))["paused"] is True
    assert queue(own.http.post("/queues/celery/pause"))["paused"] is True
    job_id = own.order("/emails", BLAST)["id"]
    own.stop()
    own.start(CONTINUO_FAULT_RATE="1")
    other = own.order("/emails", BLAST)["id"]
    celery = queue(own.http.get("/queues"))["queues"][0]
    assert (celery["name"], celery["paused"]) == ("celery", True)
    assert (celery["workers"], celery["running"]) == (1, 0)
    assert celery["waiting"] >= 2
    assert celery["oldest"] > 0
    assert own.record("/emails", job_id)["status"] == "pending"
    assert queue(own.http.post("/queues/celery/resume"))["paused"] is False
    assert {own.final("/emails", one)["status"] for one in (job_id, other)} == {"success"}


def test_a_queue_that_is_unknown_cannot_be_paused(own: House) -> None:
    answers = [own.http.post(f"/queues/none/{verb}") for verb in ("pause", "resume")]
    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize(
    "query",
    [
        "created_after=yesterday",
        "created_before=",
        "kin=report",
        "created_after=nan",
        "created_after=inf",
        "created_before=-1",
        "error=" + "x" * 201,
    ],
)
def test_a_wrong_question_is_refused(own: House, query: str) -> None:
    answer = own.http.get(f"/tasks?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]

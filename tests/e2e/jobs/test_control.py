"""Jobs of all kinds over HTTP: lists, cancellation, retries."""

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import redis

from tests.support.programs.system import System
from tests.support.waiting import wait_until

BLAST = {"recipients": []}


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose jobs fail while the test wants them to."""
    system = System(tmp_path_factory.mktemp("control"))
    system.start(CONTINUO_FAULT_RATE="1")
    yield system
    system.close()


def test_a_waiting_job_is_cancelled_and_can_run_again(own_system: System) -> None:
    job_id = own_system.order("/reports", {})["id"]
    wait_until(lambda: own_system.record("/tasks", job_id)["status"] == "retrying")
    answer = own_system.http.delete(f"/tasks/{job_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")

    again = own_system.http.post(f"/tasks/{job_id}/cancel")
    assert (again.status_code, again.json()["task"]["status"]) == (409, "cancelled")

    revived = own_system.http.post(f"/tasks/{job_id}/retry")
    assert (revived.status_code, revived.headers["location"]) == (202, f"/tasks/{job_id}")

    wait_until(lambda: own_system.record("/reports", job_id)["attempts"] > 1)
    refused = own_system.http.post(f"/tasks/{job_id}/retry")
    assert (refused.status_code, refused.json()["task"]["id"]) == (409, job_id)


def test_a_cancelled_job_runs_again_with_another_payload(own_system: System) -> None:
    own_system.http.post("/queues/celery/pause")
    job_id = own_system.order("/emails", BLAST | {"tags": ["x"]})["id"]
    own_system.http.delete(f"/tasks/{job_id}")
    body = {"payload": {"recipients": ["ada@example.com"], "tags": ["x"]}, "max_retries": 2}
    key = {"Idempotency-Key": "once-more"}
    answers = [
        own_system.http.post(f"/tasks/{job_id}/retry", json=body, headers=key) for _ in range(2)
    ]
    own_system.http.post("/queues/celery/resume")
    assert [answer.status_code for answer in answers] == [202, 202]

    record = own_system.wait_until_final("/emails", job_id)
    assert (record["result"]["sent"], record["attempts"], record["max_retries"]) == (1, 1, 2)
    assert record["tags"] == ["x"]
    assert own_system.http.post(f"/tasks/{job_id}/retry", json=body, headers=key).status_code == 202
    assert own_system.http.post(f"/tasks/{job_id}/retry", json=body).status_code == 409


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"payload": {"recipients": 5}}, "/payload/recipients"),
        ({"payload": {"recipients": ["nobody"]}}, "payload.recipients[0]"),
        ({"payload": {"typo": 1}}, "/payload/typo"),
        ({"payload": {"tags": ["other"]}}, "payload.tags"),
        ({"payload": {"unique": {"key": "k"}}}, "payload.unique"),
        ({"payload": []}, "/payload"),
        ({"max_retries": 0}, "/max_retries"),
        ({"more": 1}, "/more"),
    ],
)
def test_a_wrong_payload_changes_nothing(own_system: System, body: Any, where: str) -> None:
    job_id = own_system.wait_until_final("/emails", own_system.order("/emails", BLAST)["id"])["id"]

    answer = own_system.http.post(f"/tasks/{job_id}/retry", json=body)
    fault = answer.json()["errors"][0]

    assert (answer.status_code, fault.get("pointer", fault.get("field"))) == (422, where)


def test_an_unknown_job_cannot_be_shown_stopped_or_retried(own_system: System) -> None:
    answers = [
        own_system.http.get("/tasks/nobody"),
        own_system.http.delete("/tasks/nobody"),
        own_system.http.post("/tasks/nobody/cancel"),
        own_system.http.post("/tasks/nobody/retry"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4


def test_a_job_of_a_removed_kind_cannot_be_retried(own_system: System) -> None:
    job_id = own_system.order("/reports", {})["id"]
    own_system.http.delete(f"/tasks/{job_id}")
    own_system.wait_until_final("/reports", job_id)
    with redis.Redis.from_url(own_system.redis_url) as client:
        client.hset(f"continuo:job:{job_id}", "kind", "gone")

    answer = own_system.http.post(f"/tasks/{job_id}/retry")

    assert (answer.status_code, "gone" in answer.json()["detail"]) == (409, True)


def test_jobs_of_all_kinds_are_listed_by_kind_status_and_time(own_system: System) -> None:
    started = time.time()
    blasts = [own_system.order("/emails", BLAST)["id"] for _ in range(3)]
    report = own_system.order("/reports", {})["id"]
    for job_id in blasts:
        own_system.wait_until_final("/emails", job_id)

    def found(**query: object) -> list[str]:
        answer = own_system.http.get(
            "/tasks", params={name: str(value) for name, value in query.items()}
        )
        assert answer.status_code == 200, answer.text
        return [task["id"] for task in answer.json()["tasks"]]

    assert found(created_after=started) == [report, *reversed(blasts)]
    assert found(created_after=started, kind="email_blast") == [*reversed(blasts)]

    second = own_system.record("/emails", blasts[1])["created_at"]
    assert found(created_after=started, created_before=second) == [blasts[0]]
    assert found(created_after=started, status="success") == [*reversed(blasts)]
    assert found(kind="fax") == []


def test_the_next_page_keeps_the_filters(own_system: System) -> None:
    for _ in range(3):
        own_system.wait_until_final("/emails", own_system.order("/emails", BLAST)["id"])
    seen: list[str] = []
    path = "/tasks?kind=email_blast&status=success&limit=2&created_after=1"

    for _ in range(20):
        answer = own_system.http.get(path)
        seen += [task["id"] for task in answer.json()["tasks"]]
        if "next" not in answer.links:
            break
        path = answer.links["next"]["url"]
        assert "kind=email_blast" in path
        assert "created_after=1.0" in path

    assert (
        len(seen)
        == len(set(seen))
        == own_system.http.get("/tasks?kind=email_blast").json()["total"]
    )


def test_jobs_are_filtered_by_tag_queue_and_error(own_system: System) -> None:
    tags = {"tags": ["nightly", "für Ada"]}
    blast = own_system.order("/emails", BLAST | tags)
    assert (blast["queue"], blast["tags"]) == ("celery", tags["tags"])

    bulk = {"tasks": [{"kind": "report", "max_retries": 1, "tags": ["nightly"]}]}
    report = own_system.http.post("/tasks/bulk", json=bulk).json()["tasks"][0]["task"]["id"]
    own_system.wait_until_final("/emails", blast["id"])
    own_system.wait_until_final("/reports", report)

    def found(**query: str) -> list[str]:
        answer = own_system.http.get("/tasks", params=query)
        assert answer.status_code == 200, answer.text
        return [task["id"] for task in answer.json()["tasks"]]

    assert found(tag="nightly") == [report, blast["id"]]
    assert found(tag="für Ada", status="success", queue="celery") == [blast["id"]]
    assert found(tag="nightly", kind="report") == [report]
    assert found(tag="nightly", queue="slow") == []
    assert report in found(error="(simulated)")
    assert found(error="no such error") == []

    answer = own_system.http.get("/tasks", params={"error": "(simulated)", "limit": "1"}).json()
    assert (answer["total"], len(answer["tasks"])) == (None, 1)
    assert answer["looked_at"] >= 1


def test_invalid_tags_are_refused(own_system: System) -> None:
    for tags, where in ((["a"] * 9, "/tags"), (["a", ""], "/tags/1"), (["a\nb"], "tags[0]")):
        answer = own_system.http.post("/emails", json=BLAST | {"tags": tags})
        fault = answer.json()["errors"][0]
        assert (answer.status_code, fault.get("pointer", fault.get("field"))) == (422, where)


def test_a_paused_queue_stays_paused_over_a_restart_and_can_be_resumed(own_system: System) -> None:
    def queue(answer: httpx2.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    assert queue(own_system.http.post("/queues/celery/pause"))["paused"] is True
    assert queue(own_system.http.post("/queues/celery/pause"))["paused"] is True

    job_id = own_system.order("/emails", BLAST)["id"]
    own_system.stop()
    own_system.start(CONTINUO_FAULT_RATE="1")
    other = own_system.order("/emails", BLAST)["id"]
    celery = queue(own_system.http.get("/queues"))["queues"][0]

    assert (celery["name"], celery["paused"]) == ("celery", True)
    assert (celery["workers"], celery["running"]) == (1, 0)
    assert celery["waiting"] >= 2
    assert celery["oldest"] > 0
    assert own_system.record("/emails", job_id)["status"] == "pending"
    assert queue(own_system.http.post("/queues/celery/resume"))["paused"] is False
    assert {own_system.wait_until_final("/emails", one)["status"] for one in (job_id, other)} == {
        "success"
    }


def test_all_jobs_of_a_filter_are_counted_cancelled_and_retried(own_system: System) -> None:
    own_system.http.post("/queues/celery/pause")
    tagged = [own_system.order("/emails", BLAST | {"tags": ["many"]})["id"] for _ in range(12)]
    other = own_system.order("/emails", BLAST)["id"]

    def send(verb: str, **body: Any) -> httpx2.Response:
        return own_system.http.post(f"/tasks/{verb}", json={"filter": {"tag": "many"}} | body)

    trial = send("cancel", dry_run=True).json()
    assert (trial["matches"], trial["complete"], len(trial["sample"])) == (12, True, 10)
    assert trial["sample"][0]["id"] == tagged[-1]
    assert send("retry", dry_run=True).json()["matches"] == 0

    ordered = send("cancel")
    assert (ordered.status_code, ordered.json()["kind"]) == (202, "cancel_jobs")

    record = own_system.wait_until_final("/tasks", ordered.json()["id"])
    assert record["result"] == {"found": 12, "changed": 12}
    assert record["progress"]["done"] == record["progress"]["total"] == 12
    assert {own_system.record("/emails", one)["status"] for one in tagged} == {"cancelled"}
    assert own_system.record("/emails", other)["status"] == "pending"

    again = send("retry", filter={"tag": "many", "error": "cancelled"}, tags=["again"])
    assert own_system.wait_until_final("/tasks", again.json()["id"])["result"] == {
        "found": 12,
        "changed": 12,
    }
    assert again.headers["location"] == f"/tasks/{again.json()['id']}"

    own_system.http.post("/queues/celery/resume")
    assert {own_system.wait_until_final("/emails", one)["status"] for one in tagged} == {"success"}


@pytest.mark.parametrize(
    ("verb", "body", "where"),
    [
        ("cancel", {}, "/filter"),
        ("cancel", {"filter": {"status": "success"}}, "filter.status"),
        ("retry", {"filter": {"status": "running"}}, "filter.status"),
        ("retry", {"filter": {"tags": "x"}}, "/filter/tags"),
        ("retry", {"filter": {"created_after": "x"}}, "/filter/created_after"),
        ("cancel", {"filter": {}, "dry_run": "yes"}, "/dry_run"),
    ],
)
def test_a_wrong_filter_changes_nothing(
    own_system: System, verb: str, body: Any, where: str
) -> None:
    answer = own_system.http.post(f"/tasks/{verb}", json=body)
    assert answer.status_code == 422

    fault = answer.json()["errors"][0]
    assert where in (fault.get("pointer"), fault.get("field"))


def test_one_idempotency_key_serves_a_cancel_and_a_retry_separately(own_system: System) -> None:
    body, key = {"filter": {"tag": "nobody"}}, {"Idempotency-Key": "same"}

    answers = [
        own_system.http.post(f"/tasks/{verb}", json=body, headers=key)
        for verb in ("cancel", "retry", "cancel")
    ]
    kinds = [answer.json()["kind"] for answer in answers]

    assert kinds == ["cancel_jobs", "retry_jobs", "cancel_jobs"]
    assert answers[0].json()["id"] == answers[2].json()["id"]


def test_a_pending_job_has_a_position_and_an_estimate(own_system: System) -> None:
    own_system.http.post("/queues/celery/pause")
    first, second = (own_system.order("/emails", BLAST)["id"] for _ in range(2))
    by_kind, by_id = own_system.record("/emails", second), own_system.record("/tasks", second)
    assert (
        by_kind["position"]
        == by_id["position"]
        == own_system.record("/tasks", first)["position"] + 1
    )
    assert by_id["estimate"] is None

    waited = own_system.http.get(f"/tasks/{second}", headers={"Prefer": "wait=1"})
    assert waited.json()["position"] == by_id["position"]

    own_system.http.post("/queues/celery/resume")
    assert "position" not in own_system.wait_until_final("/emails", second)


def test_an_unknown_queue_cannot_be_paused(own_system: System) -> None:
    answers = [own_system.http.post(f"/queues/none/{verb}") for verb in ("pause", "resume")]
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
def test_an_invalid_query_is_refused(own_system: System, query: str) -> None:
    answer = own_system.http.get(f"/tasks?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]

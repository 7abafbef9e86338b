"""Workflows over HTTP."""

from typing import Any

import httpx2
import pytest

from tests.support.programs.system import System
from tests.support.waiting import wait_until

REPORT = {"kind": "report", "payload": {"type": "summary"}}


def order(system: System, *nodes: Any, **about: Any) -> Any:
    answer = system.http.post("/workflows", json={"name": "test", "nodes": list(nodes)} | about)
    assert answer.status_code == 202, answer.text
    return answer.json()


def wait_for_end(system: System, workflow_id: str) -> Any:
    def find() -> Any:
        shown = system.http.get(f"/workflows/{workflow_id}").json()
        return shown if shown["finished_at"] else None

    return wait_until(find, 30)


def test_a_workflow_is_ordered_shown_listed_and_ends(system: System) -> None:
    made = order(
        system,
        {"id": "a", **REPORT, "tags": ["from-a-workflow"]},
        {"id": "b", **REPORT, "after": ["a"], "priority": 3},
    )

    ended = wait_for_end(system, made["id"])

    assert (ended["status"], ended["nodes"]["success"]) == ("success", 2)
    assert [(node["id"], node["before"]) for node in ended["page"]] == [("a", ["b"]), ("b", [])]
    assert ended["results"]["b"]["download_url"]
    listed = system.http.get("/workflows").json()
    assert made["id"] in [each["id"] for each in listed["workflows"]]
    job = system.http.get(f"/tasks/{ended['page'][0]['task']}").json()
    assert job["tags"] == ["from-a-workflow"]


@pytest.mark.parametrize(
    ("nodes", "field"),
    [
        ([{"id": "a", "kind": "fax"}], "nodes[0].kind"),
        ([{"id": "a", **REPORT, "after": ["b"]}], "nodes[0].after[0]"),
        ([{"id": "a", **REPORT}, {"id": "a", **REPORT}], "nodes[1].id"),
        (
            [{"id": "a", **REPORT, "after": ["b"]}, {"id": "b", **REPORT, "after": ["a"]}],
            "nodes[0].after",
        ),
        (
            [{"id": "a", **REPORT, "unique": {"key": "k"}}],
            "nodes[0].unique",
        ),
        (
            [{"id": "a", "kind": "report", "payload": {"filters": {"team": 1}}}],
            "nodes[0].payload.filters.team",
        ),
        (
            [{"id": "a", "kind": "report", "payload": {"type": {"$from": "b.result"}}}],
            "nodes[0].payload.type",
        ),
        (
            [
                {"id": "b", **REPORT},
                {"id": "a", "kind": "report", "payload": {"typ": {"$from": "b.result"}}},
            ],
            "nodes[1].payload.typ",
        ),
    ],
    ids=["kind", "unknown", "twice", "cycle", "unique", "type", "reference", "name"],
)
def test_a_wrong_workflow_is_refused_as_a_whole(
    system: System, nodes: list[Any], field: str
) -> None:
    before = system.http.get("/workflows").json()["total"]

    answer = system.http.post("/workflows", json={"name": "wrong", "nodes": nodes})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert system.http.get("/workflows").json()["total"] == before


def test_a_repeated_order_makes_one_workflow(system: System) -> None:
    body = {"name": "once", "nodes": [{"id": "a", **REPORT}]}
    headers = {"Idempotency-Key": "workflow-once"}

    first = system.http.post("/workflows", json=body, headers=headers)
    second = system.http.post("/workflows", json=body, headers=headers)
    other = system.http.post("/workflows", json=body | {"name": "other"}, headers=headers)

    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.json()["id"] == first.json()["id"]
    assert other.status_code == 422


def test_a_cancelled_workflow_ends_and_can_be_retried(system: System) -> None:
    made = order(
        system,
        {"id": "a", **REPORT, "delay": 3600},
        {"id": "b", **REPORT, "after": ["a"]},
    )

    cancelled = system.http.post(f"/workflows/{made['id']}/cancel")
    ended = wait_for_end(system, made["id"])
    again = system.http.post(f"/workflows/{made['id']}/retry")

    assert cancelled.status_code == 202
    assert [node["status"] for node in ended["page"]] == ["cancelled", "stopped"]
    assert again.status_code == 202
    assert wait_for_end(system, made["id"])["status"] == "success"
    assert system.http.post(f"/workflows/{made['id']}/retry").status_code == 409


def test_a_batch_takes_jobs_until_it_is_closed_and_orders_a_job_at_its_end(system: System) -> None:
    order = {"kind": "report", "type": "summary"}
    answer = system.http.post("/batches", json={"name": "night", "on_complete": order})
    assert answer.status_code == 202, answer.text
    made = answer.json()
    path = f"/batches/{made['id']}"

    added = system.http.post(f"{path}/jobs", json={"jobs": [order, order]})
    wrong = system.http.post(f"{path}/jobs", json={"jobs": [order, {"kind": "fax"}]})
    early = system.http.delete(path)
    system.http.post(f"{path}/close")
    ended = wait_for_end(system, made["id"])

    assert (added.status_code, added.json()["nodes"]["total"]) == (202, 2)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "jobs[1].kind")
    assert early.status_code == 409
    assert (ended["status"], ended["nodes"]["success"]) == ("success", 2)
    assert system.wait_until_final("/reports", ended["hooks"]["on_complete"])["status"] == "success"
    assert system.http.post(f"{path}/jobs", json={"jobs": [order]}).status_code == 409
    assert system.http.delete(path).status_code == 204
    assert system.http.get(path).status_code == 404


def test_a_repeated_batch_is_made_once_and_repeated_jobs_are_added_once(system: System) -> None:
    order = {"kind": "report", "type": "summary", "delay": 3600}
    body = {"name": "once", "jobs": [order, order]}

    def send(path: str, body: dict[str, Any], key: str) -> httpx2.Response:
        return system.http.post(path, json=body, headers={"Idempotency-Key": key})

    first, again = (send("/batches", body, "a-batch") for _ in range(2))
    other = send("/batches", body | {"name": "other"}, "a-batch")
    path = f"/batches/{first.json()['id']}"
    more = {"jobs": [order], "closed": True}
    added = [send(f"{path}/jobs", more, "more").json()["nodes"]["total"] for _ in range(2)]

    assert again.json()["id"] == first.json()["id"]
    assert (again.headers["Idempotent-Replayed"], again.json()["nodes"]["total"]) == ("true", 2)
    assert other.status_code == 422
    assert added == [3, 3]
    system.http.post(f"/workflows/{first.json()['id']}/cancel")


@pytest.mark.parametrize("path", ["/workflows", "/batches"])
def test_a_callback_url_that_is_none_is_refused(system: System, path: str) -> None:
    more = {"nodes": [{"id": "a", **REPORT}]} if path == "/workflows" else {}

    answer = system.http.post(path, json={"name": "told", "callback_url": "", **more})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "callback_url")


def test_nodes_and_workflows_are_listed_by_status(system: System) -> None:
    ended = order(system, {"id": "a", **REPORT})
    wait_for_end(system, ended["id"])
    waits = order(
        system,
        {"id": "a", **REPORT},
        {"id": "b", **REPORT, "delay": 3600},
        {"id": "c", **REPORT, "after": ["a", "b"]},
    )
    path = f"/workflows/{waits['id']}"
    wait_until(lambda: system.http.get(path).json()["nodes"]["success"] == 1, 30)

    def find(status: str) -> list[str]:
        answer = system.http.get(path, params={"status": status}).json()
        return [node["id"] for node in answer["page"]]

    running = system.http.get("/workflows", params={"status": "running"}).json()["workflows"]

    assert (find("success"), find("pending"), find("blocked")) == (["a"], ["b"], ["c"])
    assert find("failed") == []
    assert waits["id"] in [each["id"] for each in running]
    assert ended["id"] not in [each["id"] for each in running]


def test_pages_of_nodes_of_a_status_go_on_where_the_last_one_ended(system: System) -> None:
    nodes = [{"id": f"n{number}", **REPORT, "delay": 3600} for number in range(5)]
    made = order(system, *nodes, {"id": "last", **REPORT, "after": ["n0"]})
    path = f"/workflows/{made['id']}"

    first = system.http.get(path, params={"status": "pending", "limit": 3}).json()
    about = {"status": "pending", "limit": 3, "offset": first["next_offset"]}
    second = system.http.get(path, params=about).json()

    assert [node["id"] for node in first["page"]] == ["n0", "n1", "n2"]
    assert [node["id"] for node in second["page"]] == ["n3", "n4"]
    assert second["next_offset"] is None


def test_a_job_names_its_workflow_and_is_part_of_no_canvas(system: System) -> None:
    made = order(system, {"id": "a", **REPORT})
    ended = wait_for_end(system, made["id"])

    path = f"/tasks/{ended['page'][0]['task']}"

    assert system.http.get(path).json()["workflow"] == {"id": made["id"], "node": "a"}
    answer = system.http.get(f"{path}/canvas")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "This job is part of no chain, group or chord"

"""Identical orders give one job: idempotency keys and unique jobs."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import redis

from tests.support.programs.system import System

LATER = {"delay": 3600}


def make_key() -> str:
    return uuid4().hex


def send(
    system: System, body: dict[str, Any], under: str, path: str = "/reports"
) -> httpx2.Response:
    return system.http.post(path, json=body, headers={"Idempotency-Key": under})


def count_jobs(system: System) -> int:
    count: int = system.stats()["total_tasks"]
    return count


def test_a_hundred_identical_orders_at_once_give_one_job_and_one_answer(system: System) -> None:
    before, name = count_jobs(system), make_key()
    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda _: send(system, LATER, name), range(100)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1

    replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
    assert (replayed.count("true"), replayed.count(None)) == (99, 1)
    assert count_jobs(system) == before + 1


@pytest.mark.parametrize("name", ["", '""', "x" * 256, "é"])
def test_an_invalid_idempotency_key_is_refused_and_not_ignored(system: System, name: str) -> None:
    before = count_jobs(system)

    answer = system.http.post("/reports", json=LATER, headers={"Idempotency-Key": name.encode()})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert count_jobs(system) == before


def test_a_repeated_order_gets_the_first_answer_even_after_the_job_has_changed(
    system: System,
) -> None:
    name = make_key()

    first = send(system, {}, name)
    system.wait_until_final("/reports", first.json()["id"])

    assert send(system, {}, f'"{name}"').json() == first.json()


def test_equal_orders_may_differ_in_spelling(system: System) -> None:
    name = make_key()
    first = send(system, {"type": "summary", **LATER}, name)

    again = send(system, {"delay": 3600.0, "filters": {}, "max_retries": 3}, name)

    assert again.json() == first.json()


@pytest.mark.parametrize(
    ("other", "pointer"),
    [
        ({"max_retries": 5}, "/max_retries"),
        ({"type": "monthly", "max_retries": 5}, "/max_retries"),
        ({"type": "monthly"}, "/type"),
        ({"unique": {"key": "k"}}, "/unique"),
        ({"delay": 3601}, "/delay"),
    ],
)
def test_a_different_order_with_the_same_key_is_refused_with_the_difference(
    system: System, other: dict[str, Any], pointer: str
) -> None:
    name = make_key()
    send(system, LATER, name)
    before = count_jobs(system)

    answer = send(system, {**LATER, **other}, name)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert count_jobs(system) == before


def test_a_key_belongs_to_its_route_and_is_kept_for_a_day(system: System) -> None:
    name = make_key()
    report = send(system, LATER, name)
    blast = send(system, {"recipients": [], **LATER}, name, "/emails")
    assert (report.status_code, blast.status_code) == (202, 202)

    with redis.Redis.from_url(system.redis_url) as client:
        lives = [client.ttl(known) for known in client.scan_iter("continuo:idempotent:*")]
    assert lives
    assert all(0 < seconds <= 86_400 for seconds in lives)


@pytest.mark.parametrize("name", ["x" * 256, '""', "a\tb"])
def test_an_invalid_unique_key_is_refused(system: System, name: str) -> None:
    before = count_jobs(system)

    answer = send(system, {}, name)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert count_jobs(system) == before


def build_unique(**more: Any) -> dict[str, Any]:
    return {"unique": {"key": make_key(), **more}}


def test_only_one_unfinished_job_can_have_a_unique_key(system: System) -> None:
    body = {**build_unique(), **LATER}
    first = system.http.post("/reports", json=body)
    second = system.http.post("/reports", json=body)
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json() == first.json()
    assert second.headers["location"] == first.headers["location"]

    system.http.delete(f"/tasks/{first.json()['id']}")
    third = system.http.post("/reports", json=body)
    assert (third.status_code, third.json()["id"] != first.json()["id"]) == (202, True)


def test_a_repeated_order_that_found_another_job_finds_it_again(system: System) -> None:
    body, name = {**build_unique(), **LATER}, make_key()
    first = system.http.post("/reports", json=body).json()
    assert send(system, body, name).json()["id"] == first["id"]

    system.http.delete(f"/tasks/{first['id']}")
    assert send(system, body, name).json()["id"] == first["id"]


def test_a_job_cannot_be_retried_while_another_job_has_its_unique_key(system: System) -> None:
    body = {**build_unique(), **LATER}
    first = system.http.post("/reports", json=body).json()["id"]
    system.http.delete(f"/tasks/{first}")
    second = system.http.post("/reports", json=body).json()["id"]
    assert system.http.post(f"/tasks/{first}/retry").status_code == 409

    system.http.delete(f"/tasks/{second}")
    assert system.http.post(f"/tasks/{first}/retry").status_code == 202


def test_a_conflict_with_a_unique_key_can_be_refused(system: System) -> None:
    body = {**build_unique(on_conflict="reject"), **LATER}
    first = system.http.post("/reports", json=body)

    second = system.http.post("/reports", json=body)

    assert (second.status_code, second.json()["task_id"]) == (409, first.json()["id"])


def test_a_unique_key_can_be_held_for_a_time_after_the_job_has_ended(system: System) -> None:
    body = build_unique(during=3600)
    first = system.http.post("/reports", json=body)
    system.wait_until_final("/reports", first.json()["id"])

    second = system.http.post("/reports", json=body)

    assert (second.status_code, second.json()["status"]) == (200, "success")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"unique": {"key": ""}}, "/unique/key"),
        ({"unique": {"key": "k", "during": "always"}}, "/unique/during"),
        ({"priority": 10}, "/priority"),
        ({"delay": -1}, "/delay"),
        ({"run_at": 1, "delay": 1}, "run_at"),
    ],
)
def test_invalid_order_options_are_refused(
    system: System, body: dict[str, Any], where: str
) -> None:
    answer = system.http.post("/reports", json=body)
    assert answer.status_code == 422

    (fault,) = answer.json()["errors"]
    assert where in (fault.get("pointer"), fault.get("field"))


def test_a_hundred_identical_bulk_orders_at_once_give_each_job_once(system: System) -> None:
    before, name = count_jobs(system), make_key()
    report = {"kind": "report", **LATER}
    tasks = {"tasks": [report, {"kind": "fax"}, report]}

    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda _: send(system, tasks, name, "/tasks/bulk"), range(100)))

    assert {answer.status_code for answer in answers} == {207}
    kept = [
        [one.get("task") or one["problem"]["detail"] for one in answer.json()["tasks"]]
        for answer in answers
    ]
    assert all(each == kept[0] for each in kept)
    replayed = [answer.headers.get("idempotent-replayed") for answer in answers]
    assert (replayed.count("true"), replayed.count(None)) == (99, 1)
    assert count_jobs(system) == before + 2


def test_a_bulk_order_with_the_key_of_another_is_refused_with_the_difference(
    system: System,
) -> None:
    name = make_key()
    send(system, {"tasks": [{"kind": "report", **LATER}]}, name, "/tasks/bulk")

    answer = send(system, {"tasks": [{"kind": "report", "delay": 60}]}, name, "/tasks/bulk")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/tasks"
    assert send(system, LATER, name).status_code == 202


def test_the_last_order_with_a_unique_key_replaces_one_that_waits(system: System) -> None:
    body = {**build_unique(mode="last"), **LATER}

    first, second = (system.http.post("/reports", json=body) for _ in range(2))

    assert (first.status_code, second.status_code) == (202, 202)
    replaced = system.http.get(f"/reports/{first.json()['id']}").json()
    assert replaced["status"] == "cancelled"
    assert second.json()["id"] in replaced["error"]


def test_a_debounced_order_says_when_it_is_due(system: System) -> None:
    answer = system.http.post("/reports", json=build_unique(mode="debounce(600)")).json()

    assert answer["due_at"] - answer["created_at"] == pytest.approx(600, abs=0.01)
    assert system.http.get(f"/reports/{answer['id']}").json()["due_at"] == answer["due_at"]


@pytest.mark.parametrize(
    ("unique", "where"),
    [
        ({"mode": "newest"}, "/unique/mode"),
        ({"mode": "throttle"}, "/unique/mode"),
        ({"mode": "last", "during": 5}, "unique.during"),
    ],
    ids=["unknown", "no seconds", "during"],
)
def test_a_mode_that_cannot_be_is_refused(
    system: System, unique: dict[str, Any], where: str
) -> None:
    answer = system.http.post("/reports", json=build_unique(**unique))

    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert where in (fault.get("pointer"), fault.get("field"))


def test_bulk_orders_have_unique_keys(system: System) -> None:
    order = {"kind": "report", **build_unique(), **LATER}
    rejecting = {**order, "unique": {**order["unique"], "on_conflict": "reject"}}
    last = {"kind": "report", **build_unique(mode="last"), **LATER}

    answer = system.http.post("/tasks/bulk", json={"tasks": [order, order, rejecting, last, last]})

    made, same, refused, replaced, left = answer.json()["tasks"]
    assert answer.status_code == 207
    assert [each["status"] for each in (made, same, refused)] == [202, 200, 409]
    assert same["task"]["id"] == made["task"]["id"]
    assert made["task"]["id"] in refused["problem"]["detail"]
    assert [each["status"] for each in (replaced, left)] == [202, 202]
    record = system.http.get(f"/reports/{replaced['task']['id']}").json()
    assert record["status"] == "cancelled"

"""The console's parts: files, the caller's identity, workers, payloads."""

import pytest

from tests.support.programs.system import System
from tests.support.waiting import wait_until

SLOW = {"recipients": [f"w{number}@example.com" for number in range(99)], "rate": 1}


@pytest.mark.parametrize("path", ["/", "/console/jobs", "/console/jobs/an-id"])
def test_every_page_of_the_console_is_one_file_with_a_strict_content_policy(
    system: System, path: str
) -> None:
    answer = system.http.get(path)

    assert (answer.status_code, answer.text) == (200, system.http.get("/").text)
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none';")
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("main.js", "text/javascript; charset=utf-8"),
        ("views/job/job.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_a_file_of_the_console_is_sent_once(system: System, path: str, content_type: str) -> None:
    answer = system.http.get(f"/console/static/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)

    known = {"If-None-Match": answer.headers["etag"]}
    assert system.http.get(f"/console/static/{path}", headers=known).status_code == 304


@pytest.mark.parametrize("name", ["nope.js", "..%2f__init__.py", "views"])
def test_other_files_are_not_served_by_the_console(system: System, name: str) -> None:
    assert system.http.get(f"/console/static/{name}").status_code == 404
    assert system.http.get(f"/console/static/views/{name}").status_code == 404
    assert system.http.get(f"/console/static/views/job/{name}").status_code == 404


def test_without_api_keys_a_caller_has_every_scope(system: System) -> None:
    caller = system.http.get("/me").json()
    scopes = ["admin", "control", "metrics", "read", "submit"]
    extras = caller.pop("extras")
    assert "mail" in extras
    assert caller.pop("flower") == f"http://127.0.0.1:{system.ports['FLOWER_PORT']}"
    assert caller == {"name": "", "scopes": scopes, "tenant": "", "outbox": True, "traces": ""}


def test_a_worker_is_listed_with_its_name_and_its_running_jobs(system: System) -> None:
    (worker,) = system.http.get("/workers").json()["workers"]
    assert (worker["slots"], worker["queues"]) == (2, ["celery", "control"])
    assert worker["started_at"] < worker["lease_ends"]
    assert worker["memory"] > 50_000_000
    blast = system.order("/emails", SLOW)

    def jobs() -> list[str]:
        (worker,) = system.http.get("/workers").json()["workers"]
        return [job["id"] for job in worker["jobs"] if job["kind"] == "email_blast"]

    wait_until(lambda: jobs() == [blast["id"]])
    system.http.delete(f"/tasks/{blast['id']}")
    wait_until(lambda: jobs() == [])


def test_a_worker_keeps_its_start_time_when_it_renews_its_lease(system: System) -> None:
    def worker() -> tuple[float, float]:
        (one,) = system.http.get("/workers").json()["workers"]
        return one["started_at"], one["lease_ends"]

    started_at, lease_ends = worker()
    wait_until(lambda: worker()[1] > lease_ends)

    assert worker()[0] == started_at


def test_the_payload_has_the_arguments_of_the_function(system: System) -> None:
    job = system.order("/reports", {"type": "monthly", "filters": {"month": "2026-05"}})
    payload = system.http.get(f"/tasks/{job['id']}/payload").json()

    assert (payload["args"], payload["hidden"]) == ([], False)
    assert payload["kwargs"]["filters"]["month"] == "2026-05"


def test_the_payload_of_a_kind_with_secrets_is_hidden(system: System) -> None:
    call = {"url": "https://nobody.invalid/", "headers": {"authorization": "secret"}, "delay": 3600}

    job = system.order("/webhooks", call)
    payload = system.http.get(f"/tasks/{job['id']}/payload").json()

    assert payload == {"args": [], "kwargs": {}, "hidden": True}


def test_an_unknown_job_has_no_payload(system: System) -> None:
    assert system.http.get("/tasks/nobody/payload").status_code == 404

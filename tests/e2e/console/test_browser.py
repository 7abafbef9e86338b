"""Pages in a browser follow jobs while the API is restarted."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.browsers.chromium import ServedPage, open_browser, serve_page
from tests.support.programs.system import System
from tests.support.waiting import wait_until

JOBS = 100
SECONDS = 60.0
WHILE_AWAY = 2.0
"""Delay in seconds of jobs ordered before a restart; the restart takes longer."""

CLOSED = 2

HTML = """<!doctype html>
<title>Jobs</title>
<script>
  const source = new EventSource("ADDRESS");
  const told = [];
  for (const name of ["message", "snapshot", "reset", "end"]) {
    source.addEventListener(name, ({ type, lastEventId, data }) =>
      told.push({ name: type, id: lastEventId, data: JSON.parse(data) }));
  }
  source.onerror = () => told.push({ name: "error", state: source.readyState });
  setInterval(async () => {
    if (told.length) await fetch("/", { method: "POST", body: JSON.stringify(told.splice(0)) });
  }, 50);
</script>
"""


@pytest.fixture(scope="module")
def page() -> Iterator[ServedPage]:
    """A page that reports what its EventSource receives."""
    with serve_page() as page:
        yield page


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory, page: ServedPage) -> Iterator[System]:
    """A system that allows calls from the page's origin."""
    system = System(tmp_path_factory.mktemp("browser"))
    system.start(CONTINUO_CORS_ORIGINS=page.origin, WEB_CONCURRENCY="2")
    yield system
    system.close()


def serve_watcher(page: ServedPage, system: System, path: str) -> None:
    """Set the page to follow this path."""
    page.html = HTML.replace("ADDRESS", str(system.http.base_url).rstrip("/") + path)
    page.reports.clear()


def list_reports(page: ServedPage, *names: str) -> list[Any]:
    """The page's reports with these names, in order."""
    return [said for post in page.reports for said in post if said["name"] in names]


def order(system: System, count: int, delay: float = 0.0) -> None:
    """Order ``count`` jobs."""
    task = {"kind": "email_blast", "recipients": [], "delay": delay}
    answer = system.http.post("/tasks/bulk", json={"tasks": [task] * count})
    assert answer.is_success, answer.text


def test_a_page_sees_every_event_of_100_jobs_in_order_while_the_api_is_restarted_twice(
    own_system: System, page: ServedPage, tmp_path: Path
) -> None:
    serve_watcher(page, own_system, "/events")

    with (
        open_browser(page, tmp_path),
        redis.Redis.from_url(own_system.redis_url, decode_responses=True) as client,
    ):
        wait_until(lambda: list_reports(page, "snapshot"), SECONDS)
        for number in (signal.SIGTERM, signal.SIGKILL):
            order(own_system, JOBS // 4)
            order(own_system, JOBS // 4, delay=WHILE_AWAY)
            own_system.restart_api(number)
        wait_until(lambda: own_system.stats()["status_counts"]["success"] == JOBS, SECONDS)
        stream = client.xrange("continuo:events")
        wait_until(
            lambda: [said["id"] for said in list_reports(page, "message")][-1:] == [stream[-1][0]],
            SECONDS,
        )

    assert [
        (said["id"], said["data"]["id"], said["data"]["status"])
        for said in list_reports(page, "message")
    ] == [(place, event["id"], event["status"]) for place, event in stream]
    assert len(stream) == 3 * JOBS
    assert list_reports(page, "reset", "end") == []
    assert len(list_reports(page, "snapshot")) == 1


def test_a_page_that_keeps_listening_after_the_end_of_a_job_gets_204(
    own_system: System, page: ServedPage, tmp_path: Path
) -> None:
    job_id = own_system.order("/emails", {"recipients": [], "delay": 3600})["id"]
    serve_watcher(page, own_system, f"/tasks/{job_id}/events")
    with open_browser(page, tmp_path):
        wait_until(lambda: list_reports(page, "snapshot"), SECONDS)
        own_system.http.delete(f"/tasks/{job_id}")
        wait_until(
            lambda: any(said["state"] == CLOSED for said in list_reports(page, "error")), SECONDS
        )

    told = list_reports(page, "snapshot", "message", "reset", "end")

    assert [(said["name"], said["data"]["status"]) for said in told] == [
        ("snapshot", "pending"),
        ("message", "cancelled"),
        ("end", "cancelled"),
    ]

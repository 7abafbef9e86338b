"""Pages in a real browser that watch jobs, while the API is restarted under them."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.browser import Page, opened, page_server
from tests.support.system import House
from tests.support.waiting import until

JOBS = 100
SECONDS = 60.0
WHILE_AWAY = 2.0
"""Seconds until jobs run that are ordered before a restart, which takes longer."""

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
def page() -> Iterator[Page]:
    """A page that tells what its EventSource hears."""
    with page_server() as page:
        yield page


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, page: Page) -> Iterator[House]:
    """A system that the page, which comes from elsewhere, may call."""
    house = House(tmp_path_factory.mktemp("browser"))
    house.start(CONTINUO_CORS_ORIGINS=page.origin, WEB_CONCURRENCY="2")
    yield house
    house.close()


def watches(page: Page, house: House, path: str) -> None:
    """Have the page watch this."""
    page.html = HTML.replace("ADDRESS", str(house.http.base_url).rstrip("/") + path)
    page.told.clear()


def heard(page: Page, *names: str) -> list[Any]:
    """What the page has told of this, in its order."""
    return [said for post in page.told for said in post if said["name"] in names]


def order(house: House, count: int, delay: float = 0.0) -> None:
    """Order so many jobs."""
    task = {"kind": "email_blast", "recipients": [], "delay": delay}
    answer = house.http.post("/tasks/bulk", json={"tasks": [task] * count})
    assert answer.is_success, answer.text


def test_a_page_sees_every_event_of_100_jobs_in_order_while_the_api_is_restarted_twice(
    own: House, page: Page, tmp_path: Path
) -> None:
    watches(page, own, "/events")
    with (
        opened(page, tmp_path),
        redis.Redis.from_url(own.redis_url, decode_responses=True) as client,
    ):
        until(lambda: heard(page, "snapshot"), SECONDS)
        for number in (signal.SIGTERM, signal.SIGKILL):
            order(own, JOBS // 4)
            order(own, JOBS // 4, delay=WHILE_AWAY)
            own.restart_api(number)
        until(lambda: own.stats()["status_counts"]["success"] == JOBS, SECONDS)
        stream = client.xrange("continuo:events")
        until(
            lambda: [said["id"] for said in heard(page, "message")][-1:] == [stream[-1][0]], SECONDS
        )
    assert [
        (said["id"], said["data"]["id"], said["data"]["status"]) for said in heard(page, "message")
    ] == [(place, event["id"], event["status"]) for place, event in stream]
    assert len(stream) == 3 * JOBS
    assert heard(page, "reset", "end") == []
    assert len(heard(page, "snapshot")) == 1


def test_a_page_that_does_not_close_at_the_end_of_a_job_is_told_to(
    own: House, page: Page, tmp_path: Path
) -> None:
    job_id = own.order("/emails", {"recipients": [], "delay": 3600})["id"]
    watches(page, own, f"/tasks/{job_id}/events")
    with opened(page, tmp_path):
        until(lambda: heard(page, "snapshot"), SECONDS)
        own.http.delete(f"/tasks/{job_id}")
        until(lambda: any(said["state"] == CLOSED for said in heard(page, "error")), SECONDS)
    told = heard(page, "snapshot", "message", "reset", "end")
    assert [(said["name"], said["data"]["status"]) for said in told] == [
        ("snapshot", "pending"),
        ("message", "cancelled"),
        ("end", "cancelled"),
    ]

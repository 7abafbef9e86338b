"""What happens to jobs, as clients of the API hear it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import cello
import pytest

from api.http.routing import Request
from api.routes.tasks import events
from project.celery import app
from project.local.valkey import EmbeddedValkey
from project.store.async_client import AsyncStore
from project.store.client import Store
from project.store.commands import events as event_commands
from project.store.event_feed import Feed
from tests.support.browsers.event_source import EventSource
from tests.support.event_listeners import (
    ANSWER_SECONDS,
    fail,
    heard_by,
    order,
    run,
    start,
    statuses,
    succeed,
    until_end,
)
from tests.support.programs.api_process import ApiProcess, wait_until_reachable


def test_a_job_is_followed_from_its_record_to_its_end(
    api: ApiProcess, store: Store, pool: ThreadPoolExecutor
) -> None:
    order(store, "a")
    source = EventSource(f"{api.base}/tasks/a/events")
    hearing = heard_by(pool, source)
    order(store, "other")
    start(store, "a")

    succeed(store, "a")
    heard = hearing.result(ANSWER_SECONDS)

    assert statuses(heard) == [
        ("snapshot", "pending"),
        ("message", "running"),
        ("message", "success"),
        ("end", "success"),
    ]
    assert heard[-1].data == api.get("/tasks/a").json()
    assert heard[1].data.keys() == {"id", "kind", "queue", "status", "attempts", "at"}
    assert [*source.events()] == []
    assert source.answers[-1].status_code == 204


def test_a_final_job_is_answered_at_once(api: ApiProcess, store: Store) -> None:
    run(store, "a")

    source = EventSource(f"{api.base}/tasks/a/events")

    assert statuses(until_end(source)) == [("snapshot", "success"), ("end", "success")]
    assert len(source.answers) == 1


def test_an_answer_has_the_headers_of_an_event_stream(api: ApiProcess, store: Store) -> None:
    order(store, "a")
    answer = api.get("/tasks/a/events")

    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    assert answer.text.startswith("retry: 0\n\nid: ")


@pytest.mark.parametrize("by_header", [True, False])
def test_missed_events_are_replayed(api: ApiProcess, store: Store, by_header: bool) -> None:
    order(store, "a")
    place = store.run(event_commands.read_last_event_id())
    start(store, "a")
    succeed(store, "a")
    path = f"/tasks/a/events{'' if by_header else f'?last_event_id={place}'}"
    source = EventSource(f"{api.base}{path}", last_id=place if by_header else "")

    heard = until_end(source)

    assert statuses(heard) == [("message", "running"), ("message", "success"), ("end", "success")]
    assert len(source.answers) == 1


def test_the_last_event_id_header_wins_over_the_query(api: ApiProcess, store: Store) -> None:
    order(store, "a")
    old = store.run(event_commands.read_last_event_id())
    start(store, "a")
    seen = store.run(event_commands.read_last_event_id())
    succeed(store, "a")

    source = EventSource(f"{api.base}/tasks/a/events?last_event_id={old}", last_id=seen)

    assert statuses(until_end(source)) == [("message", "success"), ("end", "success")]


@pytest.mark.parametrize("path", ["/events", "/tasks/a/events"])
def test_a_client_whose_last_event_was_trimmed_gets_a_new_snapshot(
    api: ApiProcess, store: Store, path: str
) -> None:
    order(store, "a")
    place = store.run(event_commands.read_last_event_id())
    start(store, "a")
    store.client.xtrim("continuo:events", 1, approximate=False)

    source = EventSource(f"{api.base}{path}", last_id=place)
    said = next(source.events())

    assert (said.name, said.id) == ("reset", store.run(event_commands.read_last_event_id()))
    assert said.data == api.get("/tasks/a" if path != "/events" else "/tasks").json()


def test_events_of_all_jobs_begin_with_a_snapshot(
    api: ApiProcess, store: Store, pool: ThreadPoolExecutor
) -> None:
    order(store, "old")
    hearing = heard_by(pool, EventSource(f"{api.base}/events"), "last")
    for job_id in ("a", "b"):
        run(store, job_id)
    order(store, "last")
    snapshot, *rest = hearing.result(ANSWER_SECONDS)
    assert (snapshot.name, [task["id"] for task in snapshot.data["tasks"]]) == ("snapshot", ["old"])

    expected = [(job, status) for job in "ab" for status in ("pending", "running", "success")]
    assert [(said.data["id"], said.data["status"]) for said in rest] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [("kind=blast", ["pending", "running", "success"]), ("status=failed", [])],
)
def test_events_can_be_filtered_by_kind_and_status(
    api: ApiProcess, store: Store, pool: ThreadPoolExecutor, query: str, expected: list[str]
) -> None:
    run(store, "old")
    hearing = heard_by(pool, EventSource(f"{api.base}/events?{query}"), "last")
    run(store, "a")
    order(store, "b", kind="blast")
    start(store, "b")
    succeed(store, "b")
    order(store, "last", kind="blast")
    start(store, "last")

    fail(store, "last")
    snapshot, *rest = hearing.result(ANSWER_SECONDS)

    assert snapshot.data["tasks"] == []
    assert [said.data["status"] for said in rest] == expected


def test_an_answer_without_events_has_the_last_checked_id(
    store: Store, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MAX_WAIT_SECONDS", 0.3)
    order(store, "a")
    place = store.run(event_commands.read_last_event_id())

    async def listen() -> cello.Response:
        monkeypatch.setattr(app, "async_store", AsyncStore(valkey.url))
        monkeypatch.setattr(app, "feed", Feed(valkey.url, app.async_store))
        raw = cello.Request("GET", "/tasks/a/events", headers={"last-event-id": place})
        request = Request("r", "GET", raw.path, {"id": "a"}, raw.get_header, asyncio.Event())
        answering = asyncio.create_task(events.watch_one(request, events.TaskEventsQuery()))
        await asyncio.to_thread(wait_until_reachable, lambda: app.feed.place)
        order(store, "other")
        return await answering

    text = bytes(asyncio.run(listen()).body()).decode()

    assert text == f"retry: 0\n\nid: {store.run(event_commands.read_last_event_id())}\n\n"


@pytest.mark.parametrize("sent", ["x", "1", "1-", "-1-1", "1-1-1", "1-1 "])
def test_an_invalid_last_event_id_is_refused(api: ApiProcess, sent: str) -> None:
    for answer in (
        api.get("/events", headers={"Last-Event-ID": sent.strip() + "x"}),
        api.get("/events", params={"last_event_id": sent}),
    ):
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "last_event_id"


def test_an_unknown_job_has_no_events(api: ApiProcess, store: Store) -> None:
    assert api.get("/tasks/nobody/events").status_code == 404
    assert api.get("/tasks/nobody/events?last_event_id=1-1").status_code == 404

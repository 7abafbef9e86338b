"""What happens to jobs, as clients of the API hear it."""

import asyncio
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import cello
import pytest

from api.http.routing import Request
from api.routes.tasks import events
from project.celery import app
from project.local.valkey import EmbeddedValkey
from project.records.record import TaskStatus
from project.store.async_client import AsyncStore
from project.store.client import Store
from project.store.commands import attempts, jobs
from project.store.commands import events as event_commands
from project.store.commands.message import Message
from project.store.event_feed import Feed
from tests.support.browsers.event_source import EventSource, ReceivedEvent
from tests.support.ports import find_free_port
from tests.support.programs.api_process import ApiProcess, start_api, wait_until_reachable

ANSWER_SECONDS = 15.0
LISTENERS = 40


@contextmanager
def api_on(valkey: EmbeddedValkey, **more: str) -> Iterator[ApiProcess]:
    """The API on a Redis."""
    with start_api("api.app:build", REDIS_URL=valkey.url, **more) as process:
        wait_until_reachable(lambda: process.get("/health/live").status_code == 200)
        yield process


@pytest.fixture(scope="module")
def api(valkey: EmbeddedValkey) -> Iterator[ApiProcess]:
    """One process of the API."""
    with api_on(valkey) as process:
        yield process


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for those who listen."""
    with ThreadPoolExecutor(LISTENERS) as pool:
        yield pool


def order(store: Store, job_id: str, kind: str = "report") -> None:
    store.run(jobs.enqueue(Message(job_id, kind, "celery", "m", "[[], {}]", 3)))


def start(store: Store, job_id: str) -> None:
    store.run(attempts.start(job_id, retries=0, token="w#1"))


def succeed(store: Store, job_id: str) -> None:
    store.run(attempts.succeed(job_id, token="w#1", result='{"rows": 7}', result_message="{}"))


def fail(store: Store, job_id: str) -> None:
    about = {"error": "e", "exception": "{}", "result_message": "{}"}
    store.run(attempts.fail(job_id, token="w#1", status=TaskStatus.FAILED, **about))


def run(store: Store, job_id: str) -> None:
    order(store, job_id)
    start(store, job_id)
    succeed(store, job_id)


def until_end(source: EventSource) -> list[ReceivedEvent]:
    """All that is heard up to the end."""
    heard = []
    for said in source.events():
        heard.append(said)
        if said.name == "end":
            break
    return heard


def until_last(source: EventSource, job_id: str) -> list[ReceivedEvent]:
    """All that is heard before the first event of a job."""
    return list(takewhile(lambda said: said.data.get("id") != job_id, source.events()))


def heard_by(
    pool: ThreadPoolExecutor, source: EventSource, *args: Any
) -> Future[list[ReceivedEvent]]:
    """Listen in a thread; wait until the first answer is there."""
    hearing = pool.submit(until_last if args else until_end, source, *args)
    wait_until_reachable(lambda: source.answers or hearing.done())
    return hearing


def statuses(heard: list[ReceivedEvent]) -> list[tuple[str, str]]:
    return [(said.name, said.data["status"]) for said in heard]


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


def test_many_listeners_at_two_processes_get_every_event(
    valkey: EmbeddedValkey, store: Store, pool: ThreadPoolExecutor
) -> None:
    with api_on(valkey, WEB_CONCURRENCY="2") as api:
        sources = [EventSource(f"{api.base}/events") for _ in range(LISTENERS)]
        hearing = [heard_by(pool, source, "last") for source in sources]
        ids = [f"job-{number}" for number in range(50)]
        for job_id in ids:
            run(store, job_id)
        order(store, "last")
        expected = [(job, status) for job in ids for status in ("pending", "running", "success")]
        for each in hearing:
            _, *heard = each.result(ANSWER_SECONDS)
            assert [(said.data["id"], said.data["status"]) for said in heard] == expected
            places = [said.id for said in heard]
            assert len(set(places)) == len(places)


def test_all_waiting_listeners_share_one_read_of_redis(
    api: ApiProcess, store: Store, pool: ThreadPoolExecutor
) -> None:
    order(store, "a")
    sources = [EventSource(f"{api.base}/tasks/a/events") for _ in range(LISTENERS)]
    hearing = [heard_by(pool, source) for source in sources]
    store.client.config_resetstat()
    wait_until_reachable(lambda: calls(store, "xread") >= 3)
    assert calls(store, "evalsha") <= 2 * LISTENERS  # the last ones have just begun to wait

    wait_until_reachable(lambda: calls(store, "xread") >= 6)
    assert calls(store, "evalsha") <= 2 * LISTENERS

    start(store, "a")
    succeed(store, "a")
    assert all(len(each.result(ANSWER_SECONDS)) == 4 for each in hearing)


def calls(store: Store, command: str) -> int:
    stats: Any = store.client.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])


def test_a_waiting_order_is_answered_by_the_event(
    api: ApiProcess, store: Store, pool: ThreadPoolExecutor
) -> None:
    order(store, "a")
    store.client.config_resetstat()
    waiting = pool.submit(api.get, "/tasks/a", headers={"Prefer": "wait=20"})
    wait_until_reachable(lambda: calls(store, "xread") >= 2)
    assert calls(store, "evalsha") <= 6

    start(store, "a")
    succeed(store, "a")
    assert waiting.result(ANSWER_SECONDS).json()["status"] == "success"


def test_a_process_that_shuts_down_answers_waiting_listeners(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with EmbeddedValkey(tmp_path, find_free_port()) as valkey, api_on(valkey) as api:
        store = Store(valkey.url)
        order(store, "a")
        place = store.run(event_commands.read_last_event_id())
        paths = [f"{path}?last_event_id={place}" for path in ("/events", "/tasks/a/events")]
        waiting = [pool.submit(api.get, path) for path in paths]
        wait_until_reachable(lambda: calls(store, "xread") >= 2)
        api.popen.send_signal(signal.SIGTERM)
        for answer in (each.result(5) for each in waiting):
            assert answer.status_code == 200
            assert answer.text == f"retry: 500\n\nid: {place}\n\n"
        assert api.wait() == 0
        store.close()


def test_a_listener_continues_after_redis_was_killed_and_restarted(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with (
        EmbeddedValkey(tmp_path, find_free_port(), fsync="always") as valkey,
        api_on(valkey) as api,
    ):
        store = Store(valkey.url, patience=ANSWER_SECONDS)
        order(store, "a")
        sources = [EventSource(f"{api.base}{path}") for path in ("/events", "/tasks/a/events")]
        hearing = [heard_by(pool, sources[0], "last"), heard_by(pool, sources[1])]
        start(store, "a")
        assert valkey.process
        valkey.process.kill()
        valkey.process.wait()
        for source in sources:
            wait_until_reachable(
                lambda source=source: source.answers[-1].text.startswith("retry: 2000\n\n: ")
            )
        valkey.supervise()
        succeed(store, "a")
        order(store, "last")
        everything, own = (each.result(ANSWER_SECONDS) for each in hearing)
        assert [said.data["status"] for said in everything[1:]] == ["running", "success"]
        assert [said.name for said in own] == ["snapshot", "message", "message", "end"]
        store.close()

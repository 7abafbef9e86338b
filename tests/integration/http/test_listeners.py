"""Clients that wait for events: many at once, and through restarts."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from project.local.valkey import EmbeddedValkey
from project.store.client import Store
from project.store.commands import events as event_commands
from tests.support.browsers.event_source import EventSource
from tests.support.event_listeners import (
    ANSWER_SECONDS,
    LISTENERS,
    api_on,
    calls,
    heard_by,
    order,
    run,
    start,
    succeed,
)
from tests.support.ports import find_free_port
from tests.support.programs.api_process import ApiProcess, wait_until_reachable


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


def test_a_waiting_order_is_answered_by_the_event(
    api: ApiProcess, store: Store, pool: ThreadPoolExecutor
) -> None:
    order(store, "a")
    api.get("/tasks/a", headers={"Prefer": "wait=1"})  # loads the scripts
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

"""The connection that a thread keeps, and a signal in the middle of a command."""

import signal
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
import redis

from project.local.valkey import EmbeddedValkey
from project.records.grouping import KindQueue
from project.store.client import Store
from project.store.commands import jobs, queries, queues, statistics
from project.store.commands.message import Message
from tests.support.waiting import wait_until

PAUSE_MS = 300
SIGNAL_AFTER = 0.1


class Interrupted(Exception):
    """Raised by a signal handler."""


@pytest.fixture
def during() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Has something done by a signal handler while the next command waits for its answer."""

    def arrange(act: Callable[[], object]) -> None:
        signal.signal(signal.SIGALRM, lambda *_: act())
        signal.setitimer(signal.ITIMER_REAL, SIGNAL_AFTER)

    before = signal.getsignal(signal.SIGALRM)
    yield arrange
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def enqueue(store: Store, job_id: str) -> None:
    store.run(jobs.enqueue(Message(job_id, "k", "celery", "m", "[]", 3)))


def kind_and_kinds(store: Store) -> tuple[list[KindQueue], str]:
    record = store.run(queries.read_record("a"))
    return store.run(queues.list_kind_queues()), record.id if record else ""


def test_a_signal_handler_can_run_a_command_while_another_one_waits(
    store: Store, during: Callable[[Callable[[], object]], None]
) -> None:
    enqueue(store, "a")
    heard: list[object] = []
    store.client.client_pause(PAUSE_MS)
    during(lambda: heard.append(store.run(queues.list_kind_queues())))

    record = store.run(queries.read_record("a"))

    assert record is not None
    assert (record.id, heard) == ("a", [[KindQueue("k")]])
    assert kind_and_kinds(store) == ([KindQueue("k")], "a")


def test_an_answer_interrupted_by_a_signal_is_not_mistaken_for_the_next_one(
    store: Store, during: Callable[[Callable[[], object]], None]
) -> None:
    def interrupt() -> None:
        raise Interrupted

    enqueue(store, "a")
    store.client.client_pause(PAUSE_MS)
    during(interrupt)
    with pytest.raises(Interrupted):
        store.run(queries.read_record("a"))

    assert kind_and_kinds(store) == ([KindQueue("k")], "a")


def test_scripts_missing_in_redis_are_sent_again(store: Store) -> None:
    enqueue(store, "a")
    store.client.script_flush()
    assert kind_and_kinds(store) == ([KindQueue("k")], "a")


def test_a_closed_connection_is_reopened(store: Store) -> None:
    enqueue(store, "a")

    with store.client.client() as other:
        other.client_kill_filter(_type="normal", skipme=True)

    assert kind_and_kinds(store) == ([KindQueue("k")], "a")


def test_an_answer_can_be_fetched_later(store: Store) -> None:
    enqueue(store, "a")

    finish = store.begin(queues.list_kind_queues())

    assert kind_and_kinds(store) == ([KindQueue("k")], "a")
    assert finish() == [KindQueue("k")]


def test_a_begun_command_is_run_again_when_its_connection_is_lost(store: Store) -> None:
    move = jobs.enqueue(Message("b", "k", "celery", "m", "[]", 3))
    finish = store.begin(move)

    store.client.client_kill_filter(_type="normal", skipme=True)

    assert finish().id == "b"
    assert store.client.llen("celery") == 1


def test_threads_and_consecutive_steps_are_not_limited(store: Store) -> None:
    many = store.client.connection_pool.max_connections + 10

    for number in range(many):
        thread = Thread(target=enqueue, args=(store, f"job-{number}"))
        thread.start()
        thread.join()
        store.begin(queues.list_kind_queues())()

    assert store.run(statistics.read_stats()).total_tasks == many


def test_a_closed_store_has_no_connection(valkey: EmbeddedValkey, client: redis.Redis) -> None:
    def known() -> set[str]:
        return {one["id"] for one in client.client_list()}

    before = known()
    store = Store(valkey.url)
    store.run(queues.list_kind_queues())
    store.ping()
    assert len(known() - before) == 2
    store.close()
    wait_until(lambda: not known() - before)

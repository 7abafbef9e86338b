"""Queues: how they are doing, and what a paused one hands out."""

import time

import pytest

from project.local.valkey import EmbeddedValkey
from project.records.record import Queue
from project.store.client import Store
from project.store.commands import attempts, command, jobs, maintenance
from project.store.commands import queues as queue_commands
from project.store.commands import workers as worker_commands
from project.store.commands.message import Message
from tests.support.apps import kinds
from tests.support.ports import find_free_port
from tests.support.programs.api_process import start_api, wait_until_reachable
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until as soon

AT_ONCE = 0.25
"""Seconds from a resume to the start of a job; it takes milliseconds on an idle machine."""


def message(job_id: str, queue: str = "celery", due: float | None = None) -> Message:
    text = f'{{"headers": {{"id": "{job_id}"}}}}'
    return Message(job_id, "report", queue, text, "[[], {}]", 3, due)


def enqueue(store: Store, *messages: Message) -> None:
    store.run(jobs.enqueue_many(messages))


def queues(store: Store) -> dict[str, Queue]:
    return {queue.name: queue for queue in store.run(queue_commands.list_queues())}


def fetch(store: Store, *lists: str, most: int = 10) -> list[str]:
    serial = store.client.incrby("tests:serial", most)
    move = worker_commands.fetch("w", serial=serial, most=most, done=[], lists=lists)
    return [name for name, _ in store.run(move)]


@pytest.fixture
def one(store: Store) -> Store:
    """A store with a worker that takes from two queues."""
    about: dict[str, command.Argument] = {"slots": 2, "queues": "celery\nslow"}
    store.run(worker_commands.renew_lease("w", 60, about, first=True))
    return store


def test_a_paused_queue_hands_out_nothing_and_the_others_continue(one: Store) -> None:
    lists = ("celery", "slow", "slow\x06\x169")
    enqueue(one, message("a"), message("b", "slow"), message("c", "slow\x06\x169"))
    one.run(queue_commands.pause("slow"))
    assert fetch(one, *lists) == ["celery"]

    enqueue(one, message("d", "slow"))
    assert fetch(one, *lists) == []

    one.run(queue_commands.resume("slow"))
    assert fetch(one, *lists) == ["slow", "slow", "slow\x06\x169"]


def test_a_paused_queue_says_who_paused_it_and_when_until_it_is_resumed(one: Store) -> None:
    enqueue(one, message("a", "slow"))
    one.run(queue_commands.pause("slow", "ops of the night"))
    one.run(queue_commands.pause("slow", "somebody later"))
    one.client.sadd("continuo:paused", "celery")  # by an older version

    slow, celery = queues(one)["slow"], queues(one)["celery"]

    assert (slow.paused_by, celery.paused, celery.paused_by) == ("ops of the night", True, "")
    assert slow.paused_at == pytest.approx(time.time(), abs=5)
    assert celery.paused_at is None
    one.run(queue_commands.resume("slow"))
    assert (queues(one)["slow"].paused_at, queues(one)["slow"].paused_by) == (None, "")


def test_due_jobs_are_enqueued_on_a_paused_queue(one: Store) -> None:
    enqueue(one, message("a", due=time.time() - 1))

    one.run(queue_commands.pause("celery"))

    assert one.run(maintenance.promote(10)).promoted == 1
    assert fetch(one, "celery") == []
    assert queues(one)["celery"].waiting == 1


def test_a_resume_wakes_workers_once(one: Store) -> None:
    one.run(queue_commands.pause("slow"))
    one.run(queue_commands.resume("slow"))

    one.run(queue_commands.resume("slow"))

    assert one.client.llen("continuo:wakeup:slow") == 1


def test_a_paused_queue_does_not_wake_workers(one: Store) -> None:
    enqueue(one, message("a"), message("b", "slow"))
    one.run(queue_commands.pause("slow"))
    one.client.delete("continuo:wakeup:slow")

    fetch(one, "celery", "slow", most=1)

    assert one.client.llen("continuo:wakeup:slow") == 0


def test_a_queue_has_its_statistics(one: Store) -> None:
    enqueue(one, message("a", "slow"), message("b", "slow\x06\x163"), message("c"))
    one.run(attempts.start("c", retries=0, token="w#1"))
    one.client.delete("celery")
    one.client.hset("continuo:job:b", "updated_at", time.time() - 100)
    one.run(queue_commands.pause("slow"))

    slow, celery = queues(one)["slow"], queues(one)["celery"]

    assert (slow.waiting, slow.running, slow.paused, slow.workers) == (2, 0, True, 1)
    assert slow.oldest == pytest.approx(100, abs=5)
    assert (celery.waiting, celery.running, celery.paused, celery.oldest) == (0, 1, False, None)


def test_an_unreadable_message_does_not_hide_its_queue(one: Store) -> None:
    for text in ("no JSON", '{"headers": {"id": {}}}', '{"headers": {"id": "gone"}}'):
        one.client.rpush("slow", text)
        assert queues(one)["slow"].oldest is None

    assert queues(one)["slow"].waiting == 3


def test_the_queue_of_a_departed_worker_is_known_by_its_jobs(one: Store) -> None:
    enqueue(one, message("a"))

    one.run(worker_commands.sign_off("w"))

    assert set(queues(one)) == {"celery"}
    assert queues(one)["celery"].workers == 0


def test_work_starts_at_once_after_a_resume(
    workers: Workers, inspector: JobInspector, store: Store
) -> None:
    workers.start("--queues=celery,slow").ready()
    soon(lambda: queues(store).keys() == {"celery", "control", "slow"})
    store.run(queue_commands.pause("slow"))
    held = [kinds.add.apply_async((1, n), queue="slow") for n in range(5)]
    inspector.wait_until_final(kinds.add.apply_async((2, 2)).id)
    assert [inspector.record(job.id).status for job in held] == ["pending"] * 5

    resumed_at = time.time()
    store.run(queue_commands.resume("slow"))
    waits = [(inspector.wait_until_final(job.id).started_at or 0) - resumed_at for job in held]

    assert min(waits) < AT_ONCE
    assert inspector.record(held[0].id).queue == "slow"


def test_the_queue_of_bulk_cancels_and_retries_cannot_be_paused(
    store: Store, valkey: EmbeddedValkey
) -> None:
    enqueue(store, message("a", "control"), message("b"))
    with start_api("api.app:build", REDIS_URL=valkey.url) as api:
        wait_until_reachable(lambda: api.get("/health/live").status_code == 200)

        refused = api.post("/queues/control/pause")

        assert refused.status_code == 409
        assert "stays active" in refused.json()["detail"]
        assert not queues(store)["control"].paused
        assert api.post("/queues/celery/pause").status_code == 200


def test_with_rabbitmq_a_pause_is_refused_with_the_reason(
    store: Store, valkey: EmbeddedValkey
) -> None:
    broker = f"amqp://guest:guest@127.0.0.1:{find_free_port()}//"
    environment = {"REDIS_URL": valkey.url, "BROKER_URL": broker}
    enqueue(store, message("a"))
    with start_api("api.app:build", **environment) as api:
        wait_until_reachable(lambda: api.get("/health/live").status_code == 200)
        assert api.get("/queues").json()["queues"][0]["waiting"] is None
        for verb in ("pause", "resume"):
            answer = api.post(f"/queues/celery/{verb}")
            assert answer.status_code == 409
            assert "cancel_consumer" in answer.json()["detail"]

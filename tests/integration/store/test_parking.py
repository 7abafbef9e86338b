"""Messages of jobs that run already, or may have killed their worker."""

import pytest

from project.store.client import Store
from project.store.commands import attempts as attempt_commands
from project.store.commands import jobs as job_commands
from project.store.commands import maintenance
from project.store.commands import workers as worker_commands
from project.store.commands.attempts import StartResult, Verdict
from tests.support.job_commands import list_messages, message, record, retry, start, succeed


def renew_leases(store: Store, *workers: str) -> None:
    for worker in workers:
        store.run(worker_commands.renew_lease(worker, 60, {"slots": 2}, first=True))


def kill_attempt(store: Store, job_id: str, token: str) -> None:
    """The process of this attempt dies; its message is taken from the queue again."""
    store.run(attempt_commands.interrupt(job_id, token=token, cause="SIGKILL"))


def test_a_second_delivery_of_a_running_job_finds_it_busy(store: Store) -> None:
    renew_leases(store, "w1", "w2")

    store.run(job_commands.enqueue(message("a")))

    assert start(store, "a", token="w1#1") is StartResult.STARTED
    assert start(store, "a", token="w1#1") is StartResult.STARTED  # asked again after a lost answer
    assert start(store, "a", token="w1#2") is StartResult.BUSY
    assert start(store, "a", token="w2#1") is StartResult.BUSY
    assert record(store, "a").interruptions == 0
    assert succeed(store, "a", token="w1#1") is Verdict.APPLIED


def test_the_parked_message_of_a_running_job_is_queued_when_its_process_dies(store: Store) -> None:
    renew_leases(store, "w1")
    store.run(job_commands.enqueue(message("a")))
    start(store, "a", token="w1#1")
    store.client.delete("celery")
    store.run(attempt_commands.park(message("a"), retries=0))
    assert (list_messages(store), store.client.zcard("continuo:scheduled")) == ([], 1)

    kill_attempt(store, "a", "w1#1")
    assert (list_messages(store), store.client.zcard("continuo:scheduled")) == (
        [b"message of a"],
        0,
    )


def test_a_worker_runs_one_suspected_killer_at_a_time(store: Store) -> None:
    renew_leases(store, "w1", "w2")
    for job_id in ("a", "b"):
        store.run(job_commands.enqueue(message(job_id)))
        start(store, job_id, token=f"w1#{job_id}")
        kill_attempt(store, job_id, f"w1#{job_id}")
    assert start(store, "a", token="w1#3") is StartResult.STARTED_AGAIN
    assert start(store, "b", token="w1#4") is StartResult.BUSY

    store.run(attempt_commands.park(message("b"), retries=0))
    assert store.run(maintenance.promote(10)).next_in == pytest.approx(1.75, abs=1.5)
    assert start(store, "b", token="w2#1") is StartResult.STARTED_AGAIN

    succeed(store, "b", token="w2#1")
    succeed(store, "a", token="w1#3")
    store.run(job_commands.enqueue(message("c")))

    assert start(store, "c", token="w1#5") is StartResult.STARTED


def test_a_message_parked_for_an_attempt_replaces_an_older_one(store: Store) -> None:
    renew_leases(store, "w1")
    store.run(job_commands.enqueue(message("a")))
    start(store, "a", token="w1#1")
    store.run(attempt_commands.park(message("a", text="first"), retries=0))
    store.run(attempt_commands.park(message("a", text="second"), retries=0))

    kill_attempt(store, "a", "w1#1")

    assert list_messages(store)[-1] == b"second"


def test_parking_keeps_a_delayed_message(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    retry(store, "a", delay=60)

    store.run(attempt_commands.park(message("a", text="old"), retries=0))

    assert store.client.hget("continuo:job:a", "message") == b"again"

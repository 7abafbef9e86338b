"""Workers with a lease, and workers that leave."""

import time

import pytest

from project.store.client import Store
from project.store.commands import jobs as job_commands
from project.store.commands import statistics
from project.store.commands import workers as worker_commands
from tests.support.job_commands import (
    list_messages,
    message,
)


def test_workers_are_counted_while_their_lease_is_valid(store: Store) -> None:
    store.run(worker_commands.renew_lease("w1", 60, {"slots": 2}, first=True))
    store.run(worker_commands.renew_lease("w2", 60, {"slots": 4}, first=True))
    assert store.run(statistics.read_stats()).worker_count == 6

    store.client.zadd("continuo:workers", {"w1": time.time() - 1})
    assert store.run(statistics.read_stats()).worker_count == 4

    store.run(worker_commands.sign_off("w2"))
    assert store.run(statistics.read_stats()).worker_count == 0


def test_a_departed_worker_takes_no_more_jobs(store: Store) -> None:
    def fetch(serial: int) -> int:
        move = worker_commands.fetch("w", serial=serial, most=1, done=[], lists=["celery"])
        return len(store.run(move))

    store.run(worker_commands.renew_lease("w", 60, {"slots": 1}, first=True))
    store.run(job_commands.enqueue(message("a")))
    assert fetch(1) == 1

    store.run(worker_commands.sign_off("w"))
    assert list_messages(store) == [b"message of a"]
    assert fetch(2) == 0
    assert list_messages(store) == [b"message of a"]


@pytest.mark.parametrize("job_id", ['{"odd": 1}', '"a"', "null"])
def test_a_message_that_breaks_requeueing_is_not_lost(store: Store, job_id: str) -> None:
    text = f'{{"headers": {{"id": {job_id}}}}}'
    store.run(worker_commands.renew_lease("w", 60, {"slots": 1}, first=True))
    store.run(job_commands.enqueue(message("a", text=text)))
    store.run(worker_commands.fetch("w", serial=1, most=1, done=[], lists=["celery"]))

    store.client.set("continuo:job:a", "not a hash any more")

    assert store.run(worker_commands.sign_off("w")) == 1
    assert list_messages(store) == [text.encode()]
    assert store.client.hlen("continuo:unacked:w") == 0

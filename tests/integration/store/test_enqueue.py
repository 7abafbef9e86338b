"""The enqueue of a job, and the records of messages that came another way."""

import time

import pytest

from project.errors import DuplicateJob
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import jobs as job_commands
from project.store.commands import maintenance, queries, statistics
from project.store.commands.attempts import StartResult, Verdict
from tests.support.job_commands import (
    count_statuses,
    fail,
    list_messages,
    message,
    record,
    start,
    succeed,
)


def test_enqueue_creates_record_index_entries_and_message(store: Store) -> None:
    made = store.run(job_commands.enqueue(message("a")))

    assert made == record(store, "a")
    assert (made.status, made.attempts, made.max_retries) == (TaskStatus.PENDING, 0, 3)
    assert list_messages(store) == [b"message of a"]
    assert count_statuses(store) == {"pending": 1}


def test_an_id_is_enqueued_once(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))

    with pytest.raises(DuplicateJob):
        store.run(job_commands.enqueue(message("a")))

    assert len(list_messages(store)) == 1


def test_an_enqueue_whose_answer_was_lost_happens_once(store: Store) -> None:
    move = job_commands.enqueue(message("a"))
    first = store.run(move)

    start(store, "a")

    assert store.run(move).created_at == first.created_at
    assert len(list_messages(store)) == 1


def test_a_job_due_later_is_not_on_the_queue_yet(store: Store) -> None:
    store.run(job_commands.enqueue(message("a", due=time.time() + 3600)))

    assert list_messages(store) == []
    assert store.run(statistics.read_stats()).queue_size == 0
    assert store.run(maintenance.promote(10)).next_in == pytest.approx(3600, abs=5)


def test_a_message_without_a_record_gets_one(store: Store) -> None:
    assert start(store, "a") is StartResult.UNKNOWN
    assert store.run(job_commands.register(message("a", kind="foreign"), retries=0))
    assert not store.run(job_commands.register(message("a", kind="foreign"), retries=0))
    assert start(store, "a") is StartResult.STARTED
    assert record(store, "a").kind == "foreign"
    assert count_statuses(store) == {"running": 1}


def test_an_unknown_id_has_no_record(store: Store) -> None:
    assert store.run(queries.read_record("a")) is None
    assert succeed(store, "a") is Verdict.REFUSED
    assert fail(store, "a", token="") is Verdict.REFUSED

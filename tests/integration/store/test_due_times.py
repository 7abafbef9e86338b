"""The time for which a job waits: on its record, and as a filter of lists."""

from typing import Any

import pytest

from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts as attempt_commands
from project.store.commands import jobs as job_commands
from project.store.commands import maintenance, queries
from project.store.commands.queries import RecordFilter
from tests.support.job_commands import message, record, retry, start, succeed


def find(store: Store, **question: Any) -> list[str]:
    page = store.run(queries.list_page(RecordFilter(**question), limit=10))
    return [record.id for record in page.records]


def test_a_job_says_when_it_is_due_until_it_is_on_its_queue(store: Store) -> None:
    made = store.run(job_commands.enqueue(message("a", due=4_000_000_000.5)))
    assert (made.due_at, record(store, "a")) == (4_000_000_000.5, made)

    store.client.zadd("continuo:scheduled", {"a": 1})
    store.run(maintenance.promote(10))
    assert record(store, "a").due_at is None

    start(store, "a")
    retry(store, "a", delay=60)
    retried = record(store, "a")
    assert retried.due_at == pytest.approx(retried.updated_at + 60)

    store.run(attempt_commands.cancel("a"))
    assert record(store, "a").due_at is None


def test_a_running_job_with_a_second_copy_of_its_message_is_not_scheduled(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")

    store.run(attempt_commands.park(message("a"), retries=0))

    assert record(store, "a").due_at is None
    assert find(store, scheduled=True) == []
    assert find(store, scheduled=False) == ["a"]


def test_scheduled_jobs_are_found_among_others(store: Store) -> None:
    for number in range(6):
        due = 4_000_000_000 if number % 3 == 0 else None
        store.run(job_commands.enqueue(message(str(number), due=due, tags=("x",))))
    start(store, "1")
    retry(store, "1")
    start(store, "2")
    succeed(store, "2")

    assert find(store, scheduled=True) == ["3", "1", "0"]
    assert find(store, scheduled=False) == ["5", "4", "2"]
    assert find(store, scheduled=True, tags=["x"], statuses=[TaskStatus.PENDING]) == ["3", "0"]
    assert store.run(queries.list_page(RecordFilter(scheduled=True), limit=1)).total is None


def test_a_delay_begins_when_redis_stores_the_job(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1.0)  # the clock of the sender

    store.run(job_commands.enqueue(message("a", delay=60)))
    store.run(job_commands.enqueue_once(message("b", delay=60)))

    for job_id in "ab":
        waiting = record(store, job_id)
        assert waiting.due_at == pytest.approx(waiting.created_at + 60, abs=0.001)

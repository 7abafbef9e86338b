"""Canvases that hung or ran parts twice in Celery; each names the issue."""

import time
from collections import Counter

import pytest
import redis
from celery import Signature, chain, chord, group
from celery.exceptions import ChordError

from project.celery import app
from project.errors import PermanentError
from project.records.record import TaskStatus
from project.store.commands import queries
from project.store.commands.queries import RecordFilter
from tests.support.apps import kinds, stock
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until

NOTES = "tests:known-canvas"


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker for all these tests."""
    worker_pool.start("--concurrency=2").ready()


@pytest.fixture(autouse=True)
def started_at(inspector: JobInspector) -> float:
    """When the test began; there are no notes of an earlier one."""
    inspector.redis.delete(NOTES)
    return time.time()


def note(name: str) -> Signature:
    return stock.note.si(NOTES, name)


def count_notes(client: redis.Redis) -> Counter[str]:
    return Counter(client.lrange(NOTES, 0, -1))


def wait_until_all_have_ended(since: float, least: int) -> Counter[TaskStatus]:
    """How many jobs ended in which way, once there are so many and all have ended."""

    def look() -> Counter[TaskStatus] | None:
        wanted = RecordFilter(created_after=since)
        records = app.store.run(queries.list_page(wanted, limit=100)).records
        done = len(records) >= least and all(record.is_final for record in records)
        return Counter(record.status for record in records) if done else None

    found = wait_until(look)
    assert found is not None
    return found


def test_2573_and_3506_a_chord_at_the_end_of_a_chain_in_a_chord(client: redis.Redis) -> None:
    inner = chain(note("3"), chord([note("4"), note("5")], note("6")))
    outer = chain(note("1"), chord([note("2"), inner], note("7")))

    outer().get(timeout=30)

    assert count_notes(client) == Counter("1234567")


def test_4401_a_group_of_chords_that_are_chained(client: redis.Redis) -> None:
    def sums(*numbers: int) -> Signature:
        return group([kinds.add.si(number, 0) for number in numbers]) | kinds.total.s()

    runner = group([sums(3, 9), sums(13, 18)]) | kinds.total.s()

    assert runner().get(timeout=30) == 43


@pytest.mark.parametrize("form", ["three groups", "a chord and a group", "chains of groups"])
def test_5958_groups_one_after_the_other_run_once(client: redis.Redis, form: str) -> None:
    first, second, third = (group(note(f"{part}a"), note(f"{part}b")) for part in range(3))
    canvas = {
        "three groups": chain(first, second, third, note("end")),
        "a chord and a group": chord(first, note("body")) | second | third | note("end"),
        "chains of groups": chain(chain(first, second), chain(third), note("end")),
    }[form]

    canvas.delay().get(timeout=30)

    body = {"body": 1} if form == "a chord and a group" else {}
    names = ["0a", "0b", "1a", "1b", "2a", "2b", "end"]
    assert count_notes(client) == Counter(dict.fromkeys(names, 1) | body)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_6029_a_failed_link_of_a_chain_in_a_group_ends_the_chord(
    client: redis.Redis, started_at: float, after: int
) -> None:
    rest = [note("never") for _ in range(after)]
    last = chain(group(chain(note("first"), kinds.hopeless.si(), *rest)), note("body"))()

    with pytest.raises((PermanentError, ChordError)):
        last.get(timeout=30)

    ended = wait_until_all_have_ended(started_at, 3 + after)
    assert ended == {TaskStatus.SUCCESS: 1, TaskStatus.FAILED: 2 + after}
    assert count_notes(client) == Counter(["first"])


def test_9674_a_failure_before_a_chord_in_a_chain_in_a_chord_ends_all(
    client: redis.Redis, started_at: float
) -> None:
    inner = chain(kinds.hopeless.si(), group(note("never"), note("never")), note("never"))
    last = chain(note("prepare"), group(note("beside"), inner), note("finish"))()

    with pytest.raises((PermanentError, ChordError)):
        last.get(timeout=30)

    ended = wait_until_all_have_ended(started_at, 4)
    assert ended[TaskStatus.SUCCESS] == 2
    assert count_notes(client) == Counter(["prepare", "beside"])

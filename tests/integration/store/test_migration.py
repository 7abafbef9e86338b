"""Data of version 0, made by the last program before versions (``version_0/make.py``)."""

import json
import time
from pathlib import Path

import pytest

from project.errors import IncompatibleData
from project.records.grouping import KindQueue
from project.records.record import EventFilter, TaskStatus
from project.records.unique import UniqueKey
from project.store import migration
from project.store.client import Store
from project.store.commands import (
    attempts,
    callbacks,
    events,
    jobs,
    maintenance,
    queries,
    queues,
    statistics,
    workers,
)
from project.store.commands.attempts import StartResult, Verdict
from project.store.commands.command import Command
from project.store.commands.jobs import IdempotentOrder
from project.store.commands.message import Message
from project.store.commands.queries import RecordFilter
from project.store.migration import DATA_VERSION, prepare_data

DATA = Path(__file__).parent / "version_0" / "data.json"
VERSION = "continuo:version"


@pytest.fixture
def old(store: Store) -> Store:
    """A Redis with data of version 0, whose worker has died."""
    for line in DATA.read_text().splitlines():
        store.client.execute_command(*json.loads(line))
    store.client.zadd("continuo:workers", {"w": 1})
    store.client.hset("continuo:pulse", mapping={"heard": time.time(), "mercy": 0})
    return store


@pytest.fixture
def migrated(old: Store) -> Store:
    prepare_data(old)
    return old


def find(store: Store, **question: object) -> set[str]:
    page = store.run(queries.list_page(RecordFilter(**question), limit=100))  # type: ignore[arg-type]
    return {record.id for record in page.records if record.kind == "report"}


def dump(store: Store) -> dict[bytes, object]:
    return {key: store.client.dump(key) for key in store.client.scan_iter()}


def test_a_redis_without_data_gets_the_version(store: Store) -> None:
    prepare_data(store)
    prepare_data(store)

    assert store.client.get(VERSION) == str(DATA_VERSION).encode()


def test_newer_data_is_refused(store: Store) -> None:
    store.client.set(VERSION, DATA_VERSION + 1)

    with pytest.raises(IncompatibleData, match=f"has version {DATA_VERSION + 1}; this program"):
        prepare_data(store)


def test_a_migration_is_refused_while_an_older_worker_lives(old: Store) -> None:
    old.client.zadd("continuo:workers", {"w": time.time() + 60})
    before = dump(old)

    with pytest.raises(IncompatibleData, match="worker w of the older program"):
        prepare_data(old)

    assert dump(old) == before


def test_records_are_what_they_were(migrated: Store) -> None:
    made = migrated.run(queries.read_record("succeeded"))
    failed = migrated.run(queries.read_record("failed"))
    running = migrated.run(queries.read_record("running"))

    assert made is not None
    assert failed is not None
    assert running is not None
    assert (made.kind, made.queue, made.tags, made.tenant) == ("report", "slow", ["a", "b"], "acme")
    assert (made.status, made.result, made.attempts) == (TaskStatus.SUCCESS, {"rows": 1}, 1)
    assert (failed.queue, failed.error, len(failed.errors or [])) == ("celery", "boom", 1)
    assert running.progress is not None
    assert (running.progress.done, running.progress.note) == (1, "half")


def test_lists_and_counts_are_what_they_were(migrated: Store) -> None:
    everything = {"succeeded", "failed", "cancelled", "retrying", "rerun", "running"}
    everything |= {"scheduled", "pending", "once"}
    stats = migrated.run(statistics.read_stats())

    assert find(migrated) == everything
    assert find(migrated, queues=["slow"]) == {"succeeded", "scheduled", "once"}
    assert find(migrated, tags=["a"]) == {"succeeded", "failed", "running", "pending"}
    assert find(migrated, tags=["a"], tenant="acme") == {"succeeded", "pending"}
    assert find(migrated, tenant="acme", statuses=[TaskStatus.CANCELLED]) == {"cancelled"}
    assert stats.total_tasks == len(everything) + 1
    assert migrated.run(queues.list_kind_queues()) == [
        KindQueue("callback"),
        KindQueue("report"),
        KindQueue("report", "slow"),
    ]


def test_counters_are_what_they_were(migrated: Store) -> None:
    counters = migrated.run(statistics.read_counters())
    slow = next(one for one in counters.queue_stats if one.queue == "slow")
    (route,) = counters.route_stats

    assert (slow.kind, slow.enqueued, slow.finished("success")) == ("report", 3, 1)
    assert (route.method, route.route, route.answers) == ("GET", "/reports", {"200": 3})
    assert (route.times.total, counters.dead_letters, counters.disabled) == (3, 1, 1)


def test_events_keep_their_places(old: Store) -> None:
    places = [place.decode() for place, _ in old.client.xrange("continuo:events")]

    prepare_data(old)

    page = old.run(events.replay("0-0", EventFilter(), most=100))
    assert [stored.place for stored in page.events] == places
    slow = old.run(events.replay(places[0], EventFilter(queue="slow", tenant="acme"), most=100))
    assert {stored.event.id for stored in slow.events} == {"succeeded", "scheduled"}


def test_a_job_that_waits_says_when_it_is_due(migrated: Store) -> None:
    record = migrated.run(queries.read_record("scheduled"))
    assert record is not None
    assert record.due_at == migrated.client.zscore("continuo:scheduled", "scheduled")


def test_jobs_that_are_due_are_promoted(migrated: Store) -> None:
    tomorrow = time.time() + 86_400  # the data is of one day of 2026
    migrated.client.zadd("continuo:scheduled", {"scheduled": tomorrow})

    assert migrated.run(maintenance.promote(10)).promoted == 1
    assert migrated.client.zrange("continuo:scheduled", 0, -1) == [b"scheduled"]

    migrated.client.zadd("continuo:scheduled", {"scheduled": 1})
    before = migrated.client.llen("slow")

    assert migrated.run(maintenance.promote(10)).promoted == 1
    assert migrated.client.llen("slow") == before + 1


def test_a_pending_job_runs_and_its_callback_is_sent(migrated: Store) -> None:
    migrated.run(workers.renew_lease("v", 60, {"slots": 1}, first=True))
    taken = migrated.run(workers.fetch("v", serial=1, most=9, done=[], lists=["celery"]))

    assert [json.loads(text)["headers"]["id"] for _, text in taken] == ["pending"]
    assert migrated.run(attempts.start("pending", retries=0, token="v#1")) is StartResult.STARTED
    success = attempts.succeed("pending", token="v#1", result="1", result_message="{}")
    assert migrated.run(success) is Verdict.APPLIED
    delivery = migrated.run(callbacks.read_last_delivery_id("pending"))
    ending = migrated.run(callbacks.read_delivery(delivery, "http://x.org/"))
    assert ending is not None
    assert (ending.job_id, ending.status) == ("pending", TaskStatus.SUCCESS)
    record = migrated.run(queries.read_record(delivery))
    assert record is not None
    assert (record.kind, record.queue, record.tenant) == ("callback", "celery", "acme")
    assert delivery.encode() in migrated.client.lindex("celery", 0)


def test_a_delivery_of_before_still_reports_its_job(migrated: Store) -> None:
    delivery = migrated.run(callbacks.read_last_delivery_id("succeeded"))
    ending = migrated.run(callbacks.read_delivery(delivery, "http://x.org/"))

    assert ending is not None
    assert (ending.job_id, ending.status) == ("succeeded", TaskStatus.SUCCESS)


def test_what_a_dead_worker_held_is_given_back_and_cancelled_on_request(migrated: Store) -> None:
    migrated.run(maintenance.reap(1000))

    record = migrated.run(queries.read_record("running"))

    assert record is not None
    assert record.status is TaskStatus.CANCELLED
    assert migrated.client.hlen("continuo:unacked:w") == 0


def test_a_rerun_idempotency_and_unique_keys_are_known(migrated: Store) -> None:
    def start(rerun_id: str) -> StartResult:
        return migrated.run(attempts.start("rerun", retries=0, token="v#1", rerun_id=rerun_id))

    assert [start(""), start("first")] == [StartResult.REFUSED, StartResult.STARTED]
    order = IdempotentOrder("key", "order", 1000)
    again = Message("new", "report", "slow", "m", "[]", 3)
    replayed = migrated.run(jobs.enqueue_once(again, order=order))
    held = migrated.run(jobs.enqueue_once(again, unique=UniqueKey("one")))
    assert (replayed.how, replayed.order) == ("replayed", "order")
    assert (held.how, held.holder) == ("held", "once")


def test_no_key_of_version_0_is_left(migrated: Store) -> None:
    keys = {key.decode() for key in migrated.client.keys("continuo:*")}
    old = ("facet", "meter", "pulse", "pace", "kinds", "garbage", "traffic", "disabled", "bell")

    assert {key for key in keys if key.split(":")[1] in (*old, "cancelling")} == set()


class Killed(Exception):
    """The process ends before a step."""


def migrate_steps(store: Store, count: int) -> None:
    """Begin a migration that is killed after some steps."""
    left = iter(range(count))

    class DyingStore(Store):
        def run[T](self, command: Command[T]) -> T:
            if command.script != "migration/check_version" and next(left, None) is None:
                raise Killed
            return store.run(command)

    with pytest.raises(Killed):
        prepare_data(DyingStore("redis://localhost:1"))


@pytest.mark.parametrize("steps", range(14))
def test_a_migration_killed_after_any_step_is_completed_by_the_next(
    old: Store, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(migration, "KEYS_PER_STEP", 3)
    monkeypatch.setattr(migration, "EVENTS_PER_STEP", 3)
    count = old.client.xlen("continuo:events")

    migrate_steps(old, steps)
    prepare_data(old)

    test_records_are_what_they_were(old)
    test_lists_and_counts_are_what_they_were(old)
    test_no_key_of_version_0_is_left(old)
    assert len(old.run(events.replay("0-0", EventFilter(), most=100)).events) == count

"""What happens to jobs, as Redis notes it."""

from typing import Any

import pytest

from project.errors import StoreUnavailable
from project.local.valkey import EmbeddedValkey
from project.records.record import Event, EventFilter, Progress, TaskRecord, TaskStatus
from project.store.client import Store
from project.store.commands import attempts, events, jobs, queries
from project.store.commands.attempts import Verdict
from project.store.commands.events import EventPage
from project.store.commands.message import Message
from project.store.connection import keys_of

START = "0-0"


def message(job_id: str, kind: str = "report") -> Message:
    return Message(job_id, kind, "celery", "m", "[[], {}]", 3)


def enqueue(store: Store, *ids: str) -> None:
    store.run(jobs.enqueue_many([message(job_id) for job_id in ids]))


def start(store: Store, job_id: str, retries: int = 0) -> None:
    store.run(attempts.start(job_id, retries=retries, token="w#1"))


def succeed(store: Store, job_id: str) -> None:
    store.run(attempts.succeed(job_id, token="w#1", result="1", result_message="{}"))


def retry(store: Store, job_id: str) -> None:
    store.run(attempts.retry(job_id, token="w#1", error="e", delay=0, message=message(job_id)))


def fail(store: Store, job_id: str) -> None:
    store.run(
        attempts.fail(
            job_id,
            token="w#1",
            status=TaskStatus.FAILED,
            error="e",
            exception="{}",
            result_message="{}",
        )
    )


def progress(store: Store, job_id: str, made: Progress, token: str = "w#1") -> Verdict:
    return store.run(attempts.progress(job_id, token=token, value=made))


def record(store: Store, job_id: str) -> TaskRecord:
    found = store.run(queries.read_record(job_id))
    assert found
    return found


def replay(store: Store, place: str = START, most: int = 10_000, **wanted: str) -> EventPage:
    return store.run(events.replay(place, EventFilter(**wanted), most=most))


def list_events(store: Store, **wanted: str) -> list[tuple[str, str, int]]:
    found = replay(store, **wanted)
    assert found.is_whole
    return [(event.id, event.status.value, event.attempts) for _, event in found.events]


def test_every_change_of_a_job_is_one_event_in_order(store: Store) -> None:
    enqueue(store, "a")
    start(store, "a")
    retry(store, "a")
    retry(store, "a")  # asked again after a lost answer
    start(store, "a", retries=1)
    fail(store, "a")
    store.run(jobs.rerun(message("a"), attempts=2))

    store.run(attempts.cancel("a"))

    assert list_events(store) == [
        ("a", "pending", 0),
        ("a", "running", 1),
        ("a", "retrying", 1),
        ("a", "running", 2),
        ("a", "failed", 2),
        ("a", "pending", 2),
        ("a", "cancelled", 2),
    ]


def test_a_requeued_attempt_and_the_third_death_are_events(store: Store) -> None:
    enqueue(store, "a")

    for _ in range(3):
        start(store, "a")
        store.run(attempts.interrupt("a", token="w#1", cause="SIGKILL"))

    running, pending, failed = ("a", "running", 1), ("a", "pending", 0), ("a", "failed", 0)
    new_cause = failed
    assert list_events(store)[-4:] == [running, pending, failed, new_cause]


def test_an_event_agrees_with_the_record(store: Store) -> None:
    enqueue(store, "a")
    place, record = store.run(events.read_with_event_id("a"))
    assert record
    (noted,) = replay(store).events

    at = pytest.approx(record.created_at, abs=0.01)

    assert noted == (
        place,
        Event(id="a", kind="report", queue="celery", status=record.status, attempts=0, at=at),
    )


def test_each_of_many_jobs_has_its_event(store: Store) -> None:
    ids = [f"{number:04}" for number in range(1_000)]
    enqueue(store, *ids)
    assert [job_id for job_id, _, _ in list_events(store)] == ids


def test_events_after_an_id_are_replayed_in_steps(store: Store) -> None:
    enqueue(store, *"abcde")
    place, seen = replay(store, most=1).place, []

    for _ in range(10):
        step = replay(store, place, most=2)
        seen += [event.id for _, event in step.events]
        place = step.place
        if not step.is_more:
            break

    assert seen == [*"bcde"]
    assert place == store.run(events.read_last_event_id())
    assert replay(store, place) == EventPage([], place, is_whole=True, is_more=False)


def test_the_events_of_a_job_are_whole_when_those_before_it_are_trimmed(
    store: Store, valkey: EmbeddedValkey
) -> None:
    few = Store(valkey.url, keys=keys_of(200))
    enqueue(few, *(f"{number:04}" for number in range(1_000)))
    enqueue(few, "new")
    start(few, "new")

    whole, trimmed = replay(few, job="new"), replay(few, job="0001")

    assert [event.status for _, event in whole.events] == ["pending", "running"]
    assert (whole.is_whole, trimmed.is_whole) == (True, False)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"job": "a"}, [("a", "pending", 0), ("a", "running", 1)]),
        ({"kind": "blast"}, [("b", "pending", 0)]),
        ({"status": "running"}, [("a", "running", 1)]),
        ({"queue": "slow"}, [("b", "pending", 0)]),
        ({"queue": "celery"}, [("a", "pending", 0), ("a", "running", 1)]),
        ({"kind": "blast", "status": "running"}, []),
    ],
)
def test_only_matching_events_are_replayed(store: Store, wanted: Any, found: Any) -> None:
    enqueue(store, "a")
    store.run(jobs.enqueue(message("b", kind="blast")._replace(queue="slow")))

    start(store, "a")

    assert list_events(store, **wanted) == found
    assert replay(store, **wanted).place == store.run(events.read_last_event_id())


def test_progress_is_on_the_record_and_an_event(store: Store) -> None:
    enqueue(store, "a")
    assert record(store, "a").progress is None

    start(store, "a")
    half, whole = Progress(1, 2, "half"), Progress(2, 2)
    for made in (half, whole):
        assert progress(store, "a", made) is Verdict.APPLIED
        assert record(store, "a").progress == made

    succeed(store, "a")
    assert record(store, "a").progress == whole

    told = [event for _, event in replay(store).events if event.progress]
    assert [(event.status, event.progress) for event in told] == [
        ("running", half),
        ("running", whole),
    ]


def test_only_the_running_attempt_can_report_progress(store: Store) -> None:
    enqueue(store, "a")
    assert progress(store, "a", Progress(1)) is Verdict.REFUSED

    start(store, "a")
    assert progress(store, "a", Progress(1), token="gone#1") is Verdict.REFUSED
    assert progress(store, "nobody", Progress(1)) is Verdict.REFUSED

    succeed(store, "a")
    assert progress(store, "a", Progress(1)) is Verdict.REFUSED
    assert record(store, "a").progress is None
    assert not [event for _, event in replay(store).events if event.progress]


def test_the_next_attempt_starts_without_progress(store: Store) -> None:
    enqueue(store, "a")
    start(store, "a")
    progress(store, "a", Progress(9, 10))
    retry(store, "a")
    assert record(store, "a").progress == Progress(9, 10)

    start(store, "a", retries=1)
    assert record(store, "a").progress is None


def test_the_oldest_events_are_trimmed_and_the_gap_is_reported(
    store: Store, valkey: EmbeddedValkey
) -> None:
    few = Store(valkey.url, keys=keys_of(1_000))
    enqueue(few, "first")
    first = few.run(events.read_last_event_id())
    for number in range(3):
        enqueue(few, *(f"{number}-{each:03}" for each in range(500)))
    assert 1_000 <= few.client.xlen("continuo:events") <= 1_200
    assert not replay(few, first).is_whole
    assert not replay(few, START).is_whole
    last = few.run(events.read_last_event_id())
    enqueue(few, "last")
    assert [event.id for _, event in replay(few, last).events] == ["last"]
    few.close()


def test_an_event_id_that_redis_has_lost_is_not_treated_as_known(store: Store) -> None:
    enqueue(store, "a", "b")
    lost = store.run(events.read_last_event_id())
    store.client.xdel("continuo:events", lost)
    assert not replay(store, lost).is_whole

    enqueue(store, "c")
    assert not replay(store, lost).is_whole


def test_before_the_first_event_there_is_no_gap(store: Store) -> None:
    assert store.run(events.read_last_event_id()) == START
    assert replay(store) == EventPage([], START, is_whole=True, is_more=False)


def test_a_full_redis_has_an_event_for_an_ended_job_and_none_for_a_refused_one(
    store: Store,
) -> None:
    enqueue(store, "a")
    start(store, "a")
    store.client.config_set("maxmemory", "1mb")

    try:
        with pytest.raises(StoreUnavailable, match="full"):
            enqueue(store, "b")
        succeed(store, "a")
    finally:
        store.client.config_set("maxmemory", "0")

    assert [status for _, status, _ in list_events(store)] == ["pending", "running", "success"]

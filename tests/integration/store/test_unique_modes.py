"""Which of two jobs with one unique key is wanted, on a real Valkey."""

from typing import Any

import pytest

from project.errors import DuplicateJob, InvalidField
from project.records.record import TaskRecord, TaskStatus
from project.records.unique import UniqueKey, build_unique_arguments
from project.store.client import Store
from project.store.commands import jobs, maintenance
from project.store.commands.queries import RecordFilter, list_page
from tests.support.lane_workers import PoolProcess, build_message, read


@pytest.fixture(params=["one", "many"])
def order(store: Store, request: pytest.FixtureRequest) -> Any:
    """Orders a job with a unique key, by itself or among others: its id, or that of the holder."""

    def order_one(job_id: str, mode: str, **changes: Any) -> str:
        message = build_message(job_id, **changes)
        result = store.run(jobs.enqueue_once(message, unique=UniqueKey("u", mode=mode)))
        return result.holder or job_id

    def order_many(job_id: str, mode: str, **changes: Any) -> str:
        message = build_message(job_id, unique=UniqueKey("u", mode=mode), **changes)
        (outcome,) = store.run(jobs.enqueue_many([message]))
        return outcome.holder if isinstance(outcome, DuplicateJob) else job_id

    return order_one if request.param == "one" else order_many


def due_in(store: Store, job_id: str) -> float:
    """The seconds from the order to the time for which a job waits."""
    record = read(store, job_id)
    return (record.due_at or 0) - record.created_at


def test_the_first_one_stays(store: Store, order: Any) -> None:
    assert [order(job_id, "first") for job_id in "abc"] == ["a", "a", "a"]
    assert PoolProcess(store).work() == ["a"]


def test_the_last_one_takes_the_place_of_the_one_that_waits(store: Store, order: Any) -> None:
    assert [order(job_id, "last") for job_id in "abc"] == ["a", "b", "c"]

    assert [read(store, job_id).status for job_id in "abc"] == ["cancelled", "cancelled", "pending"]
    assert read(store, "a").error.startswith("replaced by b,")
    assert PoolProcess(store).work() == ["c"]
    assert order("d", "last") == "d"


def test_a_job_that_runs_is_not_replaced(store: Store, order: Any) -> None:
    process = PoolProcess(store)
    order("a", "last")
    assert process.take() == "a"

    order("b", "last")
    order("c", "last")

    assert [read(store, job_id).status for job_id in "abc"] == ["running", "cancelled", "pending"]
    process.end("a")
    assert read(store, "a").status is TaskStatus.SUCCESS
    assert process.work() == ["c"]


def test_a_debounced_job_starts_so_long_after_the_last_order(store: Store, order: Any) -> None:
    order("a", "debounce(60)")
    assert due_in(store, "a") == pytest.approx(60, abs=0.01)
    store.client.hset("continuo:job:a", "debounced_since", read(store, "a").created_at - 570)

    order("b", "debounce(60)")

    assert read(store, "a").status is TaskStatus.CANCELLED
    assert due_in(store, "b") == pytest.approx(30, abs=1)
    process = PoolProcess(store)
    assert process.take() == ""
    store.client.zadd("continuo:scheduled", {"b": 1})
    store.run(maintenance.promote(10))
    assert process.work() == ["b"]
    order("c", "debounce(60)")
    assert due_in(store, "c") == pytest.approx(60, abs=0.01)


def test_a_debounced_job_does_not_start_before_its_own_time(store: Store, order: Any) -> None:
    order("a", "debounce(60)", delay=100)

    assert due_in(store, "a") == pytest.approx(100, abs=0.01)


def test_a_throttled_job_is_the_first_of_its_time(store: Store, order: Any) -> None:
    process = PoolProcess(store)
    assert [order(job_id, "throttle(60)") for job_id in "ab"] == ["a", "a"]
    assert process.work() == ["a"]
    assert order("c", "throttle(60)") == "a"

    store.client.delete("continuo:unique:k\nu")

    assert order("d", "throttle(60)") == "d"


def test_jobs_of_one_call_may_replace_each_other(store: Store) -> None:
    messages = [build_message(job_id, unique=UniqueKey("u", mode="last")) for job_id in "abc"]
    command = jobs.enqueue_many([build_message("x"), *messages, build_message("y")])

    first = store.run(command)
    again = store.run(command)

    assert [isinstance(each, TaskRecord) for each in first] == [True] * 5
    assert first == again
    found = store.run(list_page(RecordFilter(statuses=(TaskStatus.PENDING,)), limit=10)).records
    assert {each.id for each in found} == {"x", "c", "y"}
    assert PoolProcess(store).work() == ["c", "x", "y"]
    assert store.client.zcard("continuo:index:k@celery:cancelled") == 2


@pytest.mark.parametrize(
    ("unique", "field"),
    [
        (UniqueKey("u", mode="newest"), "unique.mode"),
        (UniqueKey("u", mode="debounce"), "unique.mode"),
        (UniqueKey("u", mode="debounce(-1)"), "unique.mode"),
        (UniqueKey("u", during=5, mode="throttle(5)"), "unique.during"),
        (UniqueKey("u", during="queued", mode="last"), "unique.during"),
    ],
    ids=["unknown", "no seconds", "negative", "two times", "during"],
)
def test_a_mode_that_cannot_be_is_refused(unique: UniqueKey, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        build_unique_arguments(unique)

    assert refused.value.field == field

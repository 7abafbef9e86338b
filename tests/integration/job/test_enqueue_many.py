"""Many jobs in one step."""

import json
from collections.abc import Iterator
from itertools import repeat

import pytest
import redis
from celery import Signature, chain

from project.celery import Continuo, create_app
from project.errors import DuplicateJob, InvalidField, PartlyEnqueued, StoreUnavailable
from project.job.bulk import MAX_JOBS_PER_STEP, enqueue_many
from project.records.record import TaskRecord
from project.settings.values import Settings
from tests.support.apps import kinds
from tests.support.ports import find_free_port
from tests.support.programs.workers import JobInspector


@pytest.fixture(autouse=True)
def clean(client: redis.Redis) -> None:
    """No jobs from before."""
    client.flushall()


def records(outcomes: list[TaskRecord | DuplicateJob]) -> list[TaskRecord]:
    assert not any(isinstance(outcome, DuplicateJob) for outcome in outcomes)
    return [outcome for outcome in outcomes if isinstance(outcome, TaskRecord)]


def test_each_job_has_its_record_and_its_message_in_order(inspector: JobInspector) -> None:
    calls = [kinds.add.s(number, 1) for number in range(5)]
    calls[2].set(max_retries=7, countdown=60)
    made = records(enqueue_many(calls))
    assert made == [inspector.record(record.id) for record in made]
    assert [record.max_retries for record in made] == [3, 3, 7, 3, 3]
    assert [record.created_at for record in made] == sorted({one.created_at for one in made})
    assert inspector.find_due_time(made[2].id) == pytest.approx(made[2].created_at + 60, abs=5)

    waiting = [json.loads(text)["headers"]["id"] for text in reversed(inspector.list_messages())]
    assert waiting == [record.id for record in made if record is not made[2]]


def test_more_jobs_than_one_batch_take_several(
    inspector: JobInspector, client: redis.Redis
) -> None:
    before = client.info("commandstats")["cmdstat_evalsha"]["calls"]

    assert (
        len(enqueue_many(repeat(kinds.add.s(1, 1), MAX_JOBS_PER_STEP + 1))) == MAX_JOBS_PER_STEP + 1
    )
    assert len(inspector.list_messages()) == MAX_JOBS_PER_STEP + 1
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] - before <= 4


def test_a_duplicate_id_does_not_stop_the_others(inspector: JobInspector) -> None:
    taken = kinds.add.apply_async((1, 1))

    first, second = enqueue_many([kinds.add.s(2, 2).set(task_id=taken.id), kinds.add.s(3, 3)])

    assert isinstance(first, DuplicateJob)
    assert isinstance(second, TaskRecord)
    assert len(inspector.list_messages()) == 2


def test_an_id_given_twice_is_one_job(inspector: JobInspector) -> None:
    first, second = enqueue_many([kinds.add.s(1, 1).set(task_id="same") for _ in range(2)])

    assert isinstance(first, TaskRecord)
    assert isinstance(second, DuplicateJob)
    assert len(inspector.list_messages()) == 1


def test_an_invalid_time_is_refused_before_any_job_is_created(
    inspector: JobInspector, client: redis.Redis
) -> None:
    with pytest.raises(InvalidField, match="countdown"):
        enqueue_many([kinds.add.s(1, 1), kinds.add.s(1, 1).set(countdown=float("nan"))])
    assert client.dbsize() == 0


def test_an_error_of_the_callers_iterator_reports_the_accepted_jobs(
    inspector: JobInspector, client: redis.Redis
) -> None:
    def calls() -> Iterator[Signature]:
        yield from repeat(kinds.add.s(1, 1), MAX_JOBS_PER_STEP + 1)
        raise KeyError("the caller's")

    before = len(client.client_list())
    with pytest.raises(PartlyEnqueued) as stopped:
        enqueue_many(calls())

    assert len(stopped.value.taken) == MAX_JOBS_PER_STEP == len(inspector.list_messages())
    assert isinstance(stopped.value.__cause__, KeyError)
    assert len(client.client_list()) <= before + 1


def test_a_canvas_is_refused_and_nothing_is_queued(inspector: JobInspector) -> None:
    with pytest.raises(InvalidField, match="apply_async"):
        enqueue_many([kinds.add.s(1, 1), chain(kinds.add.s(1, 1), kinds.add.s(1))])
    assert inspector.list_messages() == []


def test_a_later_error_reports_the_accepted_jobs(inspector: JobInspector) -> None:
    calls = [*repeat(kinds.add.s(1, 1), MAX_JOBS_PER_STEP), kinds.add.s(1, 1).set(max_retries=0)]

    with pytest.raises(PartlyEnqueued) as stopped:
        enqueue_many(calls)

    assert len(stopped.value.taken) == MAX_JOBS_PER_STEP == len(inspector.list_messages())
    assert isinstance(stopped.value.__cause__, InvalidField)


def test_no_job_is_accepted_while_redis_is_down() -> None:
    away: Continuo = create_app(Settings(redis_url=f"redis://127.0.0.1:{find_free_port()}/0"))

    @away.task(name="tests.away")
    def nothing() -> None:
        """Never runs."""

    with pytest.raises(StoreUnavailable):
        enqueue_many([nothing.s()])


def test_without_calls_there_are_no_jobs(inspector: JobInspector) -> None:
    assert enqueue_many([]) == []
    assert inspector.list_messages() == []

"""Unique keys of calls and of kinds, without a worker."""

from collections.abc import Iterator

import pytest
from celery import group

from project.celery import app
from project.errors import DuplicateJob, InvalidField
from project.job.bulk import enqueue_many
from project.job.task import Job
from project.records.record import TaskStatus
from project.records.schedule import Plan
from project.records.unique import UniqueKey
from project.schedules.jobs import build_message
from project.store.client import Store

LAST = UniqueKey("u", mode="last")


@pytest.fixture
def sync(store: Store) -> Iterator[Job]:
    """A kind of which each customer has one waiting job, the last one."""

    @app.task(name="tests.sync", unique=UniqueKey("{order.customer}", mode="last"), shared=False)
    def run(order: dict[str, str]) -> None: ...

    yield run
    app.tasks.unregister("tests.sync")


def status(job_id: str) -> TaskStatus:
    found = app.AsyncResult(job_id).record
    assert found is not None
    return found.status


def test_a_call_replaces_the_one_that_waits(store: Store) -> None:
    task = app.tasks["report"]

    first, second = (task.apply_async(unique=LAST).id for _ in range(2))

    assert (status(first), status(second)) == (TaskStatus.CANCELLED, TaskStatus.PENDING)


def test_a_kind_names_its_key_by_arguments(sync: Job) -> None:
    jobs = [sync.apply_async(({"customer": name},)).id for name in ("a", "b", "a")]

    assert [status(job_id) for job_id in jobs] == ["cancelled", "pending", "pending"]


def test_a_call_may_have_another_key_than_its_kind(sync: Job) -> None:
    calls = {"kwargs": {"order": {"customer": "a"}}, "unique": "other"}

    first, second = (sync.apply_async(**calls).id for _ in range(2))

    assert first == second


def test_jobs_that_are_enqueued_together_have_keys_too(sync: Job) -> None:
    calls = [sync.s(order={"customer": name}) for name in ("a", "b", "a")]
    held = [sync.s(order={"customer": "c"}).set(unique="one") for _ in range(2)]

    *made, duplicate = enqueue_many([*calls, *held])

    assert [status(each.id) for each in made if not isinstance(each, DuplicateJob)] == [
        "cancelled",
        "pending",
        "pending",
        "pending",
    ]
    assert isinstance(duplicate, DuplicateJob)
    assert duplicate.holder == getattr(made[-1], "id", "")


def test_a_key_needs_the_arguments_that_it_names(sync: Job) -> None:
    with pytest.raises(InvalidField, match=r"order\.customer"):
        sync.apply_async(({},))


def test_a_mode_that_cannot_be_is_refused() -> None:
    with pytest.raises(InvalidField, match="debounce"):
        app.tasks["report"].apply_async(unique=UniqueKey("u", mode="newest"))


def test_parts_of_a_canvas_and_of_schedules_have_no_key_of_their_kind(sync: Job) -> None:
    order = {"customer": "a"}
    jobs = group(sync.s(order=order), sync.s(order=order)).apply_async()
    plan = Plan(kind="tests.sync", every=60, kwargs={"order": order})

    made = build_message(app, "s", plan, 60, "scheduled")

    assert [status(job.id) for job in jobs] == ["pending", "pending"]
    assert made.unique is None

"""Values that are not quite JSON: a job ends whatever it returns or raises, and can be shown."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import redis
from kombu.exceptions import EncodeError

from project.celery import app
from project.errors import InvalidField
from project.records.record import TaskStatus
from project.records.unique import UniqueKey
from project.store.commands import queries
from tests.support.apps import kinds, stock
from tests.support.programs.workers import JobInspector, Workers


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker for all these tests."""
    worker_pool.start("--concurrency=2").ready()


def list_ids() -> list[str]:
    page = app.store.run(queries.list_page(limit=100))
    return [record.id for record in page.records]


def test_a_result_with_half_a_character_fails_the_job(inspector: JobInspector) -> None:
    job = stock.half_character.delay("result")

    record = inspector.wait_until_final(job.id)

    assert (record.status, record.result) == (TaskStatus.FAILED, None)
    assert "EncodeError" in record.error
    with pytest.raises(EncodeError):
        job.get(timeout=5)


@pytest.mark.parametrize("where", ["error", "retry"])
def test_half_a_character_in_an_error_is_escaped(where: str, inspector: JobInspector) -> None:
    job = stock.half_character.delay(where)
    if where == "retry":
        inspector.wait_for_status(job.id, TaskStatus.RETRYING)
        inspector.make_due(job.id)

    record = inspector.wait_until_final(job.id)

    assert record.status is TaskStatus.FAILED
    assert "before \\ud800 after" in record.error
    assert isinstance(record.errors, list)
    assert {"\\ud800" in failure.message for failure in record.errors} == {True}
    with pytest.raises(Exception, match="after"):
        job.get(timeout=5)


def test_half_a_character_in_progress_fails_the_job(inspector: JobInspector) -> None:
    job = stock.half_character.delay("progress")

    assert inspector.wait_until_final(job.id).status is TaskStatus.FAILED


def test_a_record_that_cannot_be_read_is_listed(
    client: redis.Redis, inspector: JobInspector
) -> None:
    job = kinds.add.delay(1, 1)
    inspector.wait_until_final(job.id)
    broken: dict[Any, Any] = dict.fromkeys(
        ["result", "error", "tags", "progress", "errors"], b"{\xff"
    )
    client.hset(f"continuo:job:{job.id}", mapping=broken)

    assert job.id in list_ids()
    record = inspector.record(job.id)
    assert (record.result, record.error, record.errors) == ("{\\xff", "{\\xff", [])


@pytest.mark.parametrize("options", [{}, {"priority": 5}], ids=["template", "celery"])
def test_an_object_that_looks_like_a_date_is_data(options: dict[str, Any]) -> None:
    value = {"__type__": "datetime", "__value__": {"__type__": "date", "__value__": "never"}}

    job = stock.name_types.apply_async((value,), **options)

    assert job.get(timeout=10) == ["dict", "dict", "str"]


def test_a_rerun_keeps_the_types_of_the_arguments(inspector: JobInspector) -> None:
    odd = {"__type__": "date", "__value__": "never"}
    for value, name in [(datetime.now(UTC), "datetime"), (odd, "dict")]:
        job = stock.name_types.apply_async((value,), countdown=600)
        job.cancel()

        assert job.rerun()

        assert inspector.wait_until_final(job.id).result[0] == name


@pytest.mark.parametrize(
    "value", [datetime(2026, 5, 1, tzinfo=UTC), date(2026, 5, 1), Decimal("1.10"), UUID(int=1)]
)
def test_what_kombu_can_say_arrives_and_returns_as_it_was(value: object) -> None:
    assert stock.echo.delay(value).get(timeout=10) == value


def test_a_call_with_a_unique_key_gets_the_unfinished_job(inspector: JobInspector) -> None:
    calls: list[dict[str, Any]] = [{}, {"priority": 5}, {"max_retries": 7}]
    jobs = [kinds.add.apply_async((1, 1), unique="order 5", countdown=600, **c) for c in calls]
    assert len({job.id for job in jobs}) == 1

    inspector.make_due(jobs[0].id)
    assert jobs[1].get(timeout=10) == 2

    later = kinds.add.apply_async((1, 1), unique=UniqueKey("order 5", "unfinished"))
    assert later.id != jobs[0].id


@pytest.mark.parametrize("unique", ["", 5, "x" * 256])
def test_a_wrong_unique_key_is_refused(unique: Any) -> None:
    with pytest.raises(InvalidField, match="unique"):
        kinds.add.apply_async((1, 1), unique=unique)


@pytest.mark.parametrize(
    "options", [{"serializer": "pickle"}, {"tag": ["a"]}, {"exchange": "e"}, {"task_id": "a\n"}]
)
def test_a_refused_call_leaves_no_record(options: dict[str, Any]) -> None:
    before = list_ids()

    with pytest.raises(InvalidField):
        kinds.add.apply_async((1, 1), **options)
    with pytest.raises(InvalidField):
        app.send_task("tests.add", (1, 1), **options)

    assert list_ids() == before

"""The task record: what the API answers and what Celery calls it."""

import json

import msgspec
import pytest
from celery import states

from project.records.record import (
    CELERY_STATE,
    FINAL_STATUSES,
    Failure,
    TaskRecord,
    TaskStatus,
    compute_backoff,
)

SEED = (
    "id kind status attempts max_retries result error created_at updated_at started_at finished_at"
)


def record(status: TaskStatus = TaskStatus.PENDING) -> TaskRecord:
    return TaskRecord(
        id="one",
        kind="report",
        status=status,
        attempts=0,
        max_retries=3,
        result=None,
        error="",
        created_at=1.5,
        updated_at=1.5,
        started_at=None,
        finished_at=None,
    )


def test_a_record_is_served_in_the_original_field_order_with_new_fields_at_the_end() -> None:
    ours = ["interruptions", "queue", "tags", "progress", "due_at", "lane", "held_by"]
    assert list(record().to_dict()) == [*SEED.split(), *ours]


def test_the_errors_come_last_when_they_are_included() -> None:
    failure = Failure(1.5, 1, "w", "ValueError", "no", "Traceback", 2.0)
    served = msgspec.structs.replace(record(), errors=[failure]).to_dict()
    assert list(served)[-1] == "errors"

    names = "at attempt worker class message traceback next_delay interrupted started_at"
    assert list(served["errors"][0]) == names.split()


def test_the_served_form_is_plain_json() -> None:
    served = record(TaskStatus.SUCCESS).to_dict()
    assert json.loads(json.dumps(served)) == served
    assert type(served["status"]) is str


def test_both_serializations_of_a_record_agree() -> None:
    assert json.loads(msgspec.json.encode(record())) == record().to_dict()


def test_the_statuses_are_the_original_ones_then_cancelled_and_waiting() -> None:
    assert [status.value for status in TaskStatus] == [
        "pending",
        "running",
        "success",
        "failed",
        "retrying",
        "cancelled",
        "waiting",
    ]


@pytest.mark.parametrize("status", TaskStatus)
def test_a_status_is_final_when_celery_calls_it_ready(status: TaskStatus) -> None:
    assert record(status).is_final is (status in FINAL_STATUSES)
    assert record(status).is_final is (CELERY_STATE[status] in states.READY_STATES)


def test_the_wait_between_attempts_doubles_up_to_half_a_minute() -> None:
    assert [compute_backoff(attempt) for attempt in range(1, 9)] == [2, 4, 8, 16, 30, 30, 30, 30]
    assert compute_backoff(10_000) == 30


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        record().status = TaskStatus.SUCCESS  # type: ignore[misc]

import base64
import json
from typing import Any

import pytest

from project.errors import InvalidField, TransientError
from project.records.record import TaskRecord, TaskStatus
from project.store.commands.callbacks import JobEnding
from tasks.webhooks import deliveries
from tasks.webhooks.calls import RetryRequested

TIMES = {"created_at": 1.0, "updated_at": 2.0, "started_at": 1.5, "finished_at": 2.0}


def body(**about: Any) -> dict[str, Any]:
    """What is told of a job with this in its record."""
    values = {"result": None, "error": "", "status": TaskStatus.FAILED} | about
    record = TaskRecord(id="job", kind="k", attempts=1, max_retries=3, **TIMES, **values)
    text = deliveries.build_body(JobEnding(TaskStatus.FAILED, 1614265330.25, "job", record))
    assert len(text.encode()) <= 20_000
    event: dict[str, Any] = json.loads(text)
    assert (event["type"], event["timestamp"]) == ("task.failed", "2021-02-25T15:02:10.250000Z")
    return event


def test_a_signature_matches_the_reference_implementation() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    content = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'

    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    assert deliveries.sign(key, content) == signature


def test_a_delivery_has_the_whole_record() -> None:
    data = body(result={"rows": 7}, error="e" * 100)["data"]
    assert (data["id"], data["result"], data["error"]) == ("job", {"rows": 7}, "e" * 100)
    assert "omitted" not in data


def test_fields_that_are_too_long_are_left_out_and_listed() -> None:
    data = body(result="é" * 12_000, error="e" * 16_384)["data"]
    assert (data["result"], data["omitted"], len(data["error"])) == (None, ["result"], 16_384)

    data = body(result=1, error="\0" * 16_383 + "!")["data"]
    assert (data["error"][-2:], data["omitted"]) == ("\0!", ["result", "error"])


def test_a_delivery_about_a_deleted_job_has_its_id() -> None:
    event = JobEnding(TaskStatus.SUCCESS, 0.0, "job", None)
    assert json.loads(deliveries.build_body(event)) == {
        "type": "task.success",
        "timestamp": "1970-01-01T00:00:00Z",
        "data": {"id": "job", "omitted": ["record"]},
    }


@pytest.mark.parametrize(("left", "delay"), [(9, 5), (8, 300), (1, 86_400), (0, 5), (99, 5)])
def test_delays_grow_with_the_attempts_and_have_jitter(left: int, delay: float) -> None:
    pauses = {deliveries.compute_delay(left, TransientError()) for _ in range(50)}
    assert delay <= min(pauses) < max(pauses) <= delay * 1.2


def test_retry_after_lengthens_the_delay() -> None:
    assert deliveries.compute_delay(9, RetryRequested("later", 1_000)) >= 1_000
    assert deliveries.compute_delay(8, RetryRequested("soon", 1)) >= 300


def test_an_invalid_url_is_reported_under_its_field() -> None:
    with pytest.raises(InvalidField) as refused:
        deliveries.check_url("http://169.254.169.254/latest")
    assert refused.value.field == "callback_url"

"""What anybody may put on a queue: the worker goes on, and nothing is gone without a trace."""

import base64
import json
from typing import Any

import pytest

from project.celery import app
from project.records.record import TaskStatus
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until

GARBAGE = "continuo:dead_letters"


def message(content: bytes = b"[[1, 2], {}, {}]", /, **changes: Any) -> str:
    """The message of a ``tests.add``, with another body and other parts."""
    whole = json.loads(kinds.add.message((1, 2)).text)
    whole["body"] = base64.b64encode(content).decode()
    return json.dumps(whole | {name.replace("_", "-"): value for name, value in changes.items()})


NOT_JSON = b"\x80\x04not json"


def message_with(part: str, content: bytes = b"[[1, 2], {}, {}]", /, **changes: Any) -> str:
    """The same with other headers or properties."""
    whole = json.loads(message(content))
    whole[part] |= changes
    return json.dumps(whole)


NO_MESSAGE = {
    "not JSON": "this is not JSON",
    "nothing": "",
    "not UTF-8": b"\xff\xfe\x00",
    "nested without end": "[" * 50_000,
    "no object": "5",
    "another object": '{"job": 1}',
    "an id that is no text": message_with("headers", id=5),
    "an id with a quote": message_with("headers", id='a"b'),
    "a kind that is no text": message_with("headers", task=["tests.add"]),
}

NO_BODY = {
    "an unknown compression": message_with("headers", NOT_JSON, compression="application/x-x"),
    "not compressed": message_with("headers", NOT_JSON, compression="application/x-gzip"),
    "not base64": message(body="!!!!not base64"),
    "an unknown encoding": message_with("properties", body_encoding="rot13"),
    "not JSON": message(NOT_JSON),
    "not UTF-8": message(b"\xff\xff\xff"),
    "a pickle": message(b"\x80\x04N.", content_type="application/x-python-serialize"),
    "an unknown type": message(content_type="application/x-unknown"),
    "no type": message(content_type=None),
    "a number": message(b"5"),
    "null": message(b"null"),
    "an object": message(b"{}"),
    "no arguments": message(b"[]"),
    "positional arguments alone": message(b"[[1, 2]]"),
    "arguments that are a number": message(b"[5, {}, {}]"),
    "keywords that are a list": message(b"[[1, 2], [], {}]"),
    "options that are a number": message(b"[[1, 2], {}, 5]"),
    "nested deeper than a process can be told": message(
        b"[[%b], {}, {}]" % (b"[" * 5_000 + b"]" * 5_000)
    ),
}

ODD_HEADERS = {
    "retries that are a text": message_with("headers", retries="x"),
    "retries that are null": message_with("headers", retries=None),
    "more retries than a number holds": message_with("headers", retries=10**30),
    "retries below zero": message_with("headers", retries=-1),
    "time limits that are a text": message_with("headers", timelimit="abc"),
    "a time limit that is a text": message_with("headers", timelimit=["a", "b"]),
    "an eta that is no time": message_with("headers", eta="yesterday"),
    "an expiry that is no time": message_with("headers", expires="soon"),
    "attempts that are a text": message_with("headers", max_attempts="x"),
    "a priority that is a text": message_with("properties", priority="high"),
    "a queue that is a number": message_with("properties", delivery_info={"routing_key": 5}),
    "an unknown encoding of text": message(content_encoding="klingon"),
    "no encoding of text": message(content_encoding=None),
    "a value with an unknown type": message(b'[[{"__type__": "x", "__value__": 1}, 2], {}, {}]'),
    "a group that is a number": message_with("headers", group=5),
    "callbacks that are no calls": message(b'[[1, 2], {}, {"callbacks": ["x", 5]}]'),
    "callbacks that are false": message(b'[[1, 2], {}, {"callbacks": false}]'),
    "a chain that is no list": message(b'[[1, 2], {}, {"chain": 5}]'),
    "a chord that is no call": message(b'[[1, 2], {}, {"chord": "x"}]'),
    "too many arguments": message(b"[[1, 2, 3, 4], {}, {}]"),
}


@pytest.fixture
def worker(worker_pool: Workers) -> WorkerProgram:
    """A worker of the module; another one when the last test was too much for it."""
    for hired in worker_pool.started[-1:]:
        if hired.is_running:
            return hired
    worker_pool.redis.flushall()
    return worker_pool.start("--concurrency=1").ready()


def send_and_check(inspector: JobInspector, worker: WorkerProgram, item: str | bytes) -> None:
    """Put the item on the queue; the job that is sent behind it must be done."""
    inspector.redis.delete(GARBAGE)
    inspector.redis.lpush("celery", item)
    job = kinds.add.delay(20, 22)
    wait_until(lambda: inspector.record(job.id).is_final or not worker.is_running)
    assert worker.is_running, f"the worker ended: {worker.last_lines}"
    assert inspector.record(job.id).result == 42
    wait_until(lambda: inspector.count_unacked() == 0)


@pytest.mark.parametrize("item", NO_MESSAGE.values(), ids=NO_MESSAGE)
def test_text_that_is_not_a_message_is_dead_lettered(
    inspector: JobInspector, worker: WorkerProgram, item: str | bytes
) -> None:
    send_and_check(inspector, worker, item)
    assert inspector.redis.llen(GARBAGE) == 1


@pytest.mark.parametrize("item", NO_BODY.values(), ids=NO_BODY)
def test_a_message_with_an_unreadable_body_is_dead_lettered(
    inspector: JobInspector, worker: WorkerProgram, item: str
) -> None:
    send_and_check(inspector, worker, item)
    kept = inspector.redis.lrange(GARBAGE, 0, -1)
    assert kept == [f"celery\n{item}"]


@pytest.mark.parametrize("item", ODD_HEADERS.values(), ids=ODD_HEADERS)
def test_an_unusual_message_is_dead_lettered_or_has_a_record(
    inspector: JobInspector, worker: WorkerProgram, item: str
) -> None:
    send_and_check(inspector, worker, item)
    record = app.AsyncResult(json.loads(item)["headers"]["id"]).record
    assert inspector.redis.llen(GARBAGE) == 1 or (record and record.is_final)


@pytest.mark.parametrize("options", [{}, {"expires": 600}], ids=["started", "held"])
def test_the_job_of_a_message_with_an_unreadable_body_fails(
    options: dict[str, Any], inspector: JobInspector, worker: WorkerProgram
) -> None:
    job = kinds.add.apply_async((1, 2), queue="aside", unique=f"key {options}", **options)
    (text,) = inspector.list_messages("aside")
    inspector.redis.delete("aside")

    send_and_check(inspector, worker, text.replace('"body":"', '"body":"!', 1))

    record = inspector.wait_until_final(job.id)
    assert record.status is TaskStatus.FAILED
    assert "cannot be read" in record.error
    assert kinds.add.apply_async((1, 2), unique=f"key {options}").id != job.id

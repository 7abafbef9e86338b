"""Celery's task events for jobs that pool processes claim: Flower counts by them."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from celery.events.receiver import EventReceiver
from kombu import Connection

from project.celery import app
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


class Listener(EventReceiver):
    """What ``celery events`` or Flower hears, from the moment that ``listening`` is entered."""

    def __init__(self, connection: Connection) -> None:
        self.events: list[dict[str, Any]] = []
        super().__init__(connection, handlers={"*": self.events.append}, app=app)

    def has_heard(self, kind: str) -> bool:
        return any(event["type"] == kind for event in self.events)

    def count(self) -> Counter[str]:
        return Counter(event["type"] for event in self.events if event["type"].startswith("task-"))


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener with one subscription: a second one would miss what is published between them."""
    with app.connection_for_read() as connection, ThreadPoolExecutor(1) as executor:
        listener = Listener(connection)
        capture = executor.submit(listener.capture, wakeup=False)
        try:
            with app.events.default_dispatcher() as dispatcher:
                wait_until(lambda: dispatcher.send("probe") or listener.has_heard("probe"))

            yield listener
        finally:
            listener.should_stop = True
            capture.result(10)


@pytest.fixture
def listener(workers: Workers) -> Iterator[Listener]:
    with listening() as listener:
        yield listener


def test_every_job_is_received_started_and_ended_once(
    inspector: JobInspector, workers: Workers, listener: Listener
) -> None:
    workers.start("--concurrency=2", "--task-events").ready()
    wait_until(lambda: listener.has_heard("worker-online"))

    good = [kinds.add.delay(number, 1) for number in range(100)]
    bad = [kinds.hopeless.delay() for _ in range(5)]
    for job in (*good, *bad):
        inspector.wait_until_final(job.id)

    wait_until(lambda: listener.count()["task-succeeded"] == 100)
    wait_until(lambda: listener.count()["task-failed"] == 5)
    counts = listener.count()
    assert counts["task-received"] == counts["task-started"] == 105


def test_events_begin_when_somebody_asks_for_them(
    inspector: JobInspector, workers: Workers, listener: Listener
) -> None:
    workers.start("--concurrency=1").ready()
    inspector.wait_until_final(kinds.add.delay(1, 1).id)
    assert not listener.count()

    app.control.enable_events(reply=True, timeout=10, limit=1)
    inspector.wait_until_final(kinds.add.delay(1, 2).id)

    wait_until(lambda: listener.count()["task-succeeded"] == 1)


def test_task_sent_is_published_for_each_job_and_kept_for_none(
    inspector: JobInspector,
    workers: Workers,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workers.start("--concurrency=1", "--task-events").ready()
    wait_until(lambda: listener.has_heard("worker-online"))
    monkeypatch.setitem(app.conf.changes, "task_send_sent_event", value=True)
    monkeypatch.delitem(vars(app.amqp), "send_task_message", raising=False)

    jobs = [kinds.add.delay(number, 1) for number in range(10)]

    wait_until(lambda: listener.count()["task-sent"] == 10)
    assert len(app.amqp._event_dispatcher._outbound_buffer) == 0  # noqa: SLF001 - where they piled up
    for job in jobs:
        inspector.wait_until_final(job.id)

"""The commands that end a job and order the delivery of its callback."""

from collections import Counter
from typing import Any

import pytest

from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts, callbacks, command, queries
from project.store.commands import jobs as job_commands
from project.store.commands import message as message_commands
from project.store.commands.attempts import RequeueResult, Verdict
from project.store.commands.message import Message
from project.store.commands.queries import RecordFilter

CALLBACK = Message(message_commands.ID_PLACEHOLDER, "callback", "celery", "@id@ m", "[]", 10)


def list_deliveries(store: Store) -> list[tuple[str, str]]:
    """Which jobs the deliveries are about, and what became of those."""
    found = []
    for record in store.run(queries.list_page(RecordFilter(kinds=["callback"]), limit=100)).records:
        event = store.run(callbacks.read_delivery(record.id, "http://a/"))
        assert event
        assert event.record
        assert (event.at, event.is_wanted) == (record.created_at, True)
        assert event.at == event.record.finished_at
        assert store.run(callbacks.read_last_delivery_id(event.job_id)) == record.id
        found.append((event.job_id, event.status))
    return found


def begin(store: Store, *, callback: Message | None = CALLBACK) -> None:
    message = Message("job", "k", "celery", "m", "[]", 3, callback=callback)
    store.run(job_commands.enqueue(message))
    store.run(attempts.start("job", retries=0, token="w#1"))


def fail(job_id: str = "job", **about: Any) -> command.Command[Verdict]:
    rest = {"status": TaskStatus.FAILED, "error": "e", "exception": "{}", "result_message": "{}"}
    return attempts.fail(job_id, **(rest | about))


SUCCEED = attempts.succeed("job", token="w#1", result="1", result_message="{}")


ENDS: dict[str, tuple[command.Command[Any], str]] = {
    "it works": (SUCCEED, "success"),
    "it fails": (fail(token="w#1"), "failed"),
    "it is stopped": (attempts.end_cancelled("job", token="w#1"), "cancelled"),
}


@pytest.mark.parametrize(("end", "status"), ENDS.values(), ids=ENDS)
def test_the_end_of_a_job_is_delivered_once_even_when_its_command_is_repeated(
    store: Store, end: command.Command[Any], status: str
) -> None:
    begin(store)
    assert [store.run(end), store.run(end)] == [Verdict.APPLIED, Verdict.REPEATED]
    assert list_deliveries(store) == [("job", status)]

    (queued, _) = store.client.lrange("celery", 0, -1)
    assert queued.decode() == f"{store.run(callbacks.read_last_delivery_id('job'))} m"


def test_a_job_that_never_starts_gets_its_callback(store: Store) -> None:
    waiting = Message("job", "k", "celery", "m", "[]", 3, due=9e9, callback=CALLBACK)
    store.run(job_commands.enqueue(waiting))
    store.run(job_commands.enqueue_once(waiting._replace(id="other", due=None)))
    store.run(attempts.cancel("job"))

    store.run(fail("other", token=""))

    assert sorted(list_deliveries(store)) == [("job", "cancelled"), ("other", "failed")]


def test_a_poison_job_gets_its_callback(store: Store) -> None:
    begin(store)

    for _ in range(3):
        fate = store.run(attempts.interrupt("job", token="w#1", cause="signal 9"))
        store.run(attempts.start("job", retries=0, token="w#1"))

    assert fate is RequeueResult.POISON
    assert list_deliveries(store) == [("job", "failed")]


def test_each_end_of_a_retried_job_gets_its_callback(store: Store) -> None:
    begin(store)
    store.run(fail(token="w#1"))
    first = store.run(callbacks.read_last_delivery_id("job"))
    again = Message("job", "k", "celery", "m", "[]", 6)
    store.run(job_commands.rerun(again, attempts=1, rerun_id="c"))
    store.run(attempts.start("job", retries=1, token="w#2", rerun_id="c"))
    store.run(attempts.succeed("job", token="w#2", result="1", result_message="{}"))
    assert store.run(callbacks.read_last_delivery_id("job")) != first

    statuses = Counter(
        event.status
        for record in store.run(
            queries.list_page(RecordFilter(kinds=["callback"]), limit=9)
        ).records
        if (event := store.run(callbacks.read_delivery(record.id, "http://a/")))
    )
    assert statuses == Counter(["failed", "success"])


def test_a_job_without_a_callback_has_no_delivery(store: Store) -> None:
    begin(store, callback=None)
    store.run(SUCCEED)
    assert list_deliveries(store) == []

    fields = {field.decode() for field in store.client.hkeys("continuo:job:job")}
    assert not fields & {"callback", "delivery"}

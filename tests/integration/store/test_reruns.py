"""Reruns of jobs that failed or were cancelled."""

import time
from typing import Any

import pytest

from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts as attempt_commands
from project.store.commands import jobs as job_commands
from project.store.commands import maintenance
from project.store.commands.attempts import StartResult, Verdict
from tests.support.job_commands import fail, list_messages, message, record, start


def rerun(store: Store, job_id: str, call: str, **changes: Any) -> bool:
    again = message(job_id, text="again", max_retries=9)._replace(**changes)
    attempts = record(store, job_id).attempts
    return store.run(job_commands.rerun(again, attempts=attempts, rerun_id=call))


def test_a_failed_job_is_rerun_with_its_new_message(store: Store) -> None:
    store.run(job_commands.enqueue(message("a", tags=("x",))))
    start(store, "a")
    fail(store, "a")
    store.client.delete("celery")
    assert rerun(store, "a", "first", payload="[[], {}]", due=time.time() + 60)

    back = record(store, "a")
    assert (back.status, back.attempts, back.max_retries) == (TaskStatus.PENDING, 1, 9)
    assert (back.error, back.tags, back.finished_at) == ("boom", ["x"], None)
    assert list_messages(store) == []
    assert store.run(maintenance.promote(10)).next_in == pytest.approx(60, abs=2)


def test_an_old_message_does_not_run_a_job_after_its_rerun(store: Store) -> None:
    def begin(revival: str) -> StartResult:
        return store.run(attempt_commands.start("a", retries=0, token="t", rerun_id=revival))

    store.run(job_commands.enqueue(message("a")))
    store.run(attempt_commands.cancel("a"))
    assert rerun(store, "a", "first")
    assert len(list_messages(store)) == 2
    assert begin("") is StartResult.REFUSED

    store.run(attempt_commands.cancel("a"))
    assert rerun(store, "a", "second")
    assert [begin(revival) for revival in ("", "first")] == [StartResult.REFUSED] * 2

    expired = attempt_commands.fail(
        "a",
        token="",
        status=TaskStatus.FAILED,
        error="",
        exception="",
        result_message="",
        rerun_id="first",
    )
    assert store.run(expired) is Verdict.REFUSED
    assert begin("second") is StartResult.STARTED
    assert begin("") is StartResult.REFUSED
    assert begin("second") is StartResult.STARTED


def test_a_repeated_rerun_happens_once(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    fail(store, "a")
    store.client.delete("celery")
    assert rerun(store, "a", "first")
    assert rerun(store, "a", "first")
    assert list_messages(store) == [b"again"]

    store.run(attempt_commands.start("a", retries=1, token="t", rerun_id="first"))
    assert rerun(store, "a", "first")
    assert not rerun(store, "a", "second")

    fail(store, "a")
    assert rerun(store, "a", "first")
    assert record(store, "a").status is TaskStatus.FAILED
    assert rerun(store, "a", "second")
    assert record(store, "a").status is TaskStatus.PENDING

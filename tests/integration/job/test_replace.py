"""A job that replaces itself: another job, or a canvas, goes on under its id."""

import os
from typing import Any

import pytest
import redis
from celery import Signature, chain, chord, group

from project.celery import app
from project.errors import PermanentError
from project.records.record import TaskStatus
from project.store.commands.attempts import CancelResult
from tests.support.apps import kinds, stock
from tests.support.programs.workers import JobInspector, WorkerProgram, Workers
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> WorkerProgram:
    """One worker for all these tests."""
    return worker_pool.start("--concurrency=2").ready()


SUM = chord([kinds.add.s(1, 1), kinds.add.s(2, 2)], kinds.total.s())


@pytest.mark.parametrize(
    ("by", "kind", "result"),
    [
        (kinds.add.s(1, 2), "tests.add", 3),
        (chain(kinds.add.s(1, 2), kinds.add.s(3), kinds.add.s(4)), "tests.add", 10),
        (chain(kinds.add.s(1, 2)), "tests.add", 3),
        (SUM, "tests.total", 6),
        (chord([kinds.add.s(1, 1), kinds.add.s(2, 2)], kinds.total.s() | kinds.add.s(5)), None, 11),
        (group(kinds.add.s(1, 1), kinds.add.s(2, 2)), "celery.accumulate", [2, 4]),
        (chain(kinds.add.s(1, 1), group(kinds.add.s(1), kinds.add.s(2))), None, [3, 4]),
        (stock.replace.s(by=kinds.add.s(5, 5)), "tests.add", 10),
        (stock.replace_twice.s(SUM), "tests.total", 6),
    ],
    ids=("task", "chain", "one-link", "chord", "chord-chain", "group", "chain-group", "2nd", "3rd"),
)
def test_a_job_replaces_itself_and_its_record_ends_with_the_result(
    by: Signature, kind: str | None, result: Any, inspector: JobInspector
) -> None:
    job = stock.replace.delay(by=by)

    assert job.get(timeout=10) == result
    record = inspector.wait_until_final(job.id)
    assert (record.status, record.result, record.attempts) == (TaskStatus.SUCCESS, result, 1)
    assert record.kind == (kind or record.kind)


def test_a_replaced_link_passes_the_result_of_its_replacement_on() -> None:
    canvas = chain(kinds.add.s(1, 2), stock.replace.s(by=SUM), kinds.add.s(4))

    assert canvas.apply_async().get(timeout=10) == 10


def test_a_replaced_last_link_ends_the_chain() -> None:
    canvas = chain(kinds.add.s(1, 2), stock.replace.s(by=chain(kinds.add.s(1, 1), kinds.add.s(2))))

    assert canvas.apply_async().get(timeout=10) == 4


def test_replaced_parts_of_a_chord_count_once() -> None:
    parts = [
        stock.replace.s(by=SUM),
        stock.replace.s(by=kinds.add.s(1, 1)),
        kinds.add.s(5, 5),
    ]

    assert chord(parts)(kinds.total.s()).get(timeout=10) == 18


def test_a_replaced_body_of_a_chord_ends_the_chord() -> None:
    body = stock.replace.s(by=kinds.add.s(1, 1))

    assert chord([kinds.add.s(1, 1), kinds.add.s(1, 1)])(body).get(timeout=10) == 2


def test_replaced_members_of_a_group_have_the_results_of_their_replacements() -> None:
    members = group(stock.replace.s(by=SUM), stock.replace.s(by=group(kinds.add.s(1, 1))))

    assert members.apply_async().get(timeout=10) == [6, [2]]


def test_a_job_adds_a_part_to_its_chord() -> None:
    parts = [stock.extend_chord.s(by=kinds.add.s(20, 1)), kinds.add.s(1, 1)]

    assert chord(parts)(kinds.total.s()).get(timeout=10) == 23


def test_the_links_of_a_replaced_job_get_the_result_of_the_replacement(
    client: redis.Redis,
) -> None:
    job = stock.replace.apply_async(
        kwargs={"by": chain(kinds.add.s(1, 1), kinds.add.s(2))},
        link=stock.note.si("linked", "yes"),
    )

    assert job.get(timeout=10) == 4
    wait_until(lambda: client.lrange("linked", 0, -1) == ["yes"])


def test_a_failed_replacement_fails_the_job_and_calls_its_errback_once(
    client: redis.Redis, inspector: JobInspector
) -> None:
    by = chain(kinds.hopeless.si(), kinds.add.si(1, 1))
    job = stock.replace.apply_async(kwargs={"by": by}, link_error=stock.note_failure.s("failures"))

    with pytest.raises(PermanentError, match="there is no such template"):
        job.get(timeout=10)

    assert inspector.wait_until_final(job.id).status is TaskStatus.FAILED
    wait_until(lambda: client.llen("failures") >= 1)
    done = kinds.add.delay(1, 1)
    assert done.get(timeout=10) == 2
    assert client.llen("failures") == 1


def test_a_failed_header_fails_the_job_that_a_chord_replaced(inspector: JobInspector) -> None:
    by = chord([kinds.hopeless.si(), kinds.add.si(1, 1)], kinds.total.s())
    job = stock.replace.delay(by=by)

    assert inspector.wait_until_final(job.id).status is TaskStatus.FAILED


def test_a_replaced_job_that_was_cancelled_stays_so(inspector: JobInspector) -> None:
    first = kinds.hold.si().set(task_id="holding")
    job = stock.replace.delay(by=chain(first, kinds.add.si(1, 1)))
    pid = inspector.wait_until_held("holding")

    assert job.cancel() is CancelResult.CANCELLED
    inspector.release(pid)

    assert inspector.wait_until_final("holding").status is TaskStatus.SUCCESS
    assert inspector.record(job.id).status is TaskStatus.CANCELLED


def test_the_message_of_a_replaced_job_does_not_run_again(
    inspector: JobInspector, client: redis.Redis, worker: WorkerProgram
) -> None:
    """Its process dies after it has stored the replacement, with the old message in hand."""
    by = chain(stock.note.si("replaced", os.getpid()), kinds.add.si(1, 1))
    job = stock.replace_and_die.delay(by=by)

    assert job.get(timeout=15) == 2
    wait_until(lambda: inspector.count_unacked() == len(inspector.list_messages()) == 0)
    assert client.llen("replaced") == 1


def test_waiting_for_a_replaced_job_ends_with_its_replacement() -> None:
    job = app.send_task("tests.replace", kwargs={"by": SUM})

    assert job.get(timeout=10) == 6

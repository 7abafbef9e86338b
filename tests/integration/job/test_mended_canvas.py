"""A canvas that failed goes on when the jobs that failed are rerun."""

import pytest
import redis
from celery import chain, chord, group

from project.celery import app
from project.errors import RerunRefused
from project.job.canvas.chord_parts import PART_RETURN_LUA
from project.records.record import TaskRecord, TaskStatus
from project.store.commands import canvas
from tests.support.apps import kinds, stock
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker for all these tests."""
    worker_pool.start("--concurrency=2").ready()


def wait_for_failure(inspector: JobInspector, *job_ids: str) -> None:
    """Wait until each has a record that failed, and what follows it knows."""

    def is_told(job_id: str) -> bool:
        record = inspector.has_record(job_id) and inspector.record(job_id)
        place = app.store.run(canvas.read_place(job_id))
        return bool(record and record.status is TaskStatus.FAILED and not place.is_unsettled)

    wait_until(lambda: all(map(is_told, job_ids)))


def mend(client: redis.Redis, *job_ids: str) -> None:
    """Let jobs of ``stock.needs`` succeed, and rerun them."""
    for job_id in job_ids:
        client.set(f"needed:{job_id}", 1)
        assert app.AsyncResult(job_id).rerun()


def wait_for_success(inspector: JobInspector, job_id: str) -> TaskRecord:
    """The record once the job has succeeded; it has failed before."""
    wait_until(lambda: inspector.has_record(job_id))
    return inspector.wait_for_status(job_id, TaskStatus.SUCCESS)


def test_the_rest_of_a_chain_runs_when_the_failed_link_is_rerun(
    inspector: JobInspector, client: redis.Redis
) -> None:
    last = chain(kinds.add.s(1, 2), stock.needs.s(), kinds.add.s(3), kinds.add.s(4))()
    failed = last.parent.parent
    wait_for_failure(inspector, failed.id, last.parent.id, last.id)

    mend(client, failed.id)

    assert wait_for_success(inspector, last.id).result == 10
    records = [wait_for_success(inspector, link.id) for link in (failed, last.parent, last)]
    assert [record.attempts for record in records] == [2, 1, 1]
    assert records[2].error == ""


def test_a_link_that_never_ran_is_not_rerun_before_the_one_that_failed(
    inspector: JobInspector,
) -> None:
    last = chain(stock.needs.s(1), kinds.add.si(1, 1))()
    wait_for_failure(inspector, last.parent.id, last.id)

    with pytest.raises(RerunRefused, match="one before it in its canvas failed"):
        app.AsyncResult(last.id).rerun()

    assert inspector.record(last.id).status is TaskStatus.FAILED


def test_the_body_of_a_chord_gets_all_results_when_the_failed_parts_are_rerun(
    inspector: JobInspector, client: redis.Redis
) -> None:
    parts = [kinds.add.s(1, 1), stock.needs.s(10), kinds.add.s(2, 2), stock.needs.s(20)]
    body = chord(parts)(kinds.total.s().set(tags=["sums"]))
    failed = [body.parent.results[1].id, body.parent.results[3].id]
    wait_for_failure(inspector, *failed, body.id)

    mend(client, failed[0])
    wait_for_success(inspector, failed[0])
    mend(client, failed[1])

    record = wait_for_success(inspector, body.id)
    assert (record.status, record.result, record.tags) == (TaskStatus.SUCCESS, 36, ["sums"])


def test_parts_that_are_rerun_at_once_start_the_body_once(
    inspector: JobInspector, client: redis.Redis
) -> None:
    body = chord([stock.needs.s(number) for number in range(6)])(kinds.total.s())
    failed = [part.id for part in body.parent.results]
    wait_for_failure(inspector, *failed, body.id)

    mend(client, *failed)

    record = wait_for_success(inspector, body.id)
    assert (record.result, record.attempts) == (15, 1)


def test_a_part_that_fails_again_fails_the_body_again_and_is_mended_later(
    inspector: JobInspector, client: redis.Redis
) -> None:
    body = chord([kinds.add.s(1, 1), stock.needs.s(5)])(kinds.total.s())
    failed = body.parent.results[1].id
    wait_for_failure(inspector, failed, body.id)
    assert app.AsyncResult(failed).rerun()
    wait_until(lambda: inspector.record(failed).attempts == 2)
    wait_for_failure(inspector, failed, body.id)

    mend(client, failed)

    assert wait_for_success(inspector, body.id).result == 7


def test_a_part_that_ends_again_waits_while_another_process_fails_the_chord(
    client: redis.Redis,
) -> None:
    keys = [f"part-{name}" for name in ("j", "t", "s", "d", "g", "c")]
    run = client.register_script(PART_RETURN_LUA)
    failure, success = (f'[1, "a", "{state}", 1]' for state in ("FAILURE", "SUCCESS"))
    client.set("part-s", 1)
    assert run(keys=keys, args=["a", failure, 1, 0, 0, 0, 60, "first"]) == [1, None, "1", 1]

    assert run(keys=keys, args=["a", success, 1, 0, 0, 0, 60, "second"]) == [-2]

    client.delete("part-s")  # the first process is done
    assert run(keys=keys, args=["a", success, 1, 0, 0, 0, 60, "second"]) == [1, None, "1", 1]
    assert client.zrange("part-j", 0, -1) == [success]


def test_a_chain_in_a_chord_in_a_chain_goes_on(
    inspector: JobInspector, client: redis.Redis
) -> None:
    failed = "nested-part"
    part = chain(stock.needs.s().set(task_id=failed), kinds.add.s(1))
    last = chain(kinds.add.s(1, 1), group(part, kinds.add.s(5)), kinds.total.s(), kinds.add.s(100))
    result = last()
    wait_until(lambda: inspector.has_record(result.id))
    wait_for_failure(inspector, failed, result.parent.id, result.id)

    mend(client, failed)

    assert wait_for_success(inspector, result.id).result == 110


def test_links_and_errbacks_are_kept_for_the_rerun(
    inspector: JobInspector, client: redis.Redis
) -> None:
    link = kinds.add.s(1).set(task_id="linked")
    errback = stock.note_failure.s("rerun-failures")
    job = stock.needs.apply_async((1,), link=link, link_error=errback)
    wait_until(lambda: client.llen("rerun-failures") == 1)
    wait_for_failure(inspector, job.id)
    assert app.AsyncResult(job.id).rerun()
    wait_until(lambda: client.llen("rerun-failures") == 2)
    wait_for_failure(inspector, job.id)

    mend(client, job.id)

    assert wait_for_success(inspector, "linked").result == 2


def test_a_cancelled_link_that_is_rerun_continues_its_chain(
    inspector: JobInspector, client: redis.Redis
) -> None:
    last = chain(kinds.add.s(1, 1).set(countdown=3600), kinds.add.s(2))()
    app.AsyncResult(last.parent.id).cancel()
    wait_until(lambda: inspector.has_record(last.id))
    wait_until(lambda: not app.store.run(canvas.read_place(last.parent.id)).is_unsettled)

    assert app.AsyncResult(last.parent.id).rerun()

    assert wait_for_success(inspector, last.id).result == 4

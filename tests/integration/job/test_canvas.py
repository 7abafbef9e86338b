"""Jobs that lead to other jobs: each of them has a record of its own."""

import pytest
import redis
from celery import Signature, chain, chord, group, states
from celery.exceptions import ChordError

from project.celery import app
from project.errors import PermanentError, RerunRefused
from project.records.record import TaskStatus
from tasks.control import rerun_job
from tests.support.apps import kinds, stock
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker for all these tests."""
    worker_pool.start("--concurrency=2").ready()


def test_a_chain_passes_results_on_and_each_link_has_a_record(inspector: JobInspector) -> None:
    last = chain(kinds.add.s(1, 2), kinds.add.s(3), kinds.add.s(4))()
    assert last.get(timeout=10) == 10

    results = [
        inspector.wait_until_final(link.id).result
        for link in (last.parent.parent, last.parent, last)
    ]
    assert results == [3, 6, 10]


def test_a_chain_continues_after_a_retry(inspector: JobInspector) -> None:
    last = chain(kinds.flaky.s(1), kinds.add.s(40))()
    inspector.wait_for_status(last.parent.id, TaskStatus.RETRYING)
    assert last.record is None

    inspector.make_due(last.parent.id)
    assert last.get(timeout=10) == 42


def test_a_link_that_dies_after_it_handed_on_knows_its_next_link_again(
    inspector: JobInspector,
) -> None:
    last = chain(stock.hand_on.s(1), kinds.add.s(2))()

    assert last.get(timeout=10) == 3
    first = inspector.wait_until_final(last.parent.id)
    assert (first.status, first.interruptions) == (TaskStatus.SUCCESS, 1)
    assert inspector.record(last.id).attempts == 1


def test_an_errback_of_several_jobs_is_called_for_each(client: redis.Redis) -> None:
    errback = stock.note_failure.s("failed-parts")
    errback.freeze("errback-of-two")
    jobs = [kinds.hopeless.apply_async(link_error=errback) for _ in range(2)]

    wait_until(lambda: client.llen("failed-parts") == 2)

    assert set(client.lrange("failed-parts", 0, -1)) == {job.id for job in jobs}


def test_a_job_cannot_enqueue_two_jobs_with_one_id(inspector: JobInspector) -> None:
    job = stock.enqueue_twice.delay("one-id")

    record = inspector.wait_until_final(job.id)

    assert record.status is TaskStatus.FAILED
    assert "DuplicateJob" in record.error


def test_a_failed_link_fails_the_rest_of_the_chain(inspector: JobInspector) -> None:
    last = chain(kinds.hopeless.s(), kinds.add.s(1))()
    with pytest.raises(PermanentError):
        last.get(timeout=10)

    wait_until(lambda: inspector.has_record(last.id))
    ended = [inspector.wait_until_final(link.id) for link in (last.parent, last)]
    assert [record.status for record in ended] == [TaskStatus.FAILED, TaskStatus.FAILED]
    assert [record.attempts for record in ended] == [1, 0]


def test_a_mass_rerun_leaves_a_link_out_that_never_ran(inspector: JobInspector) -> None:
    last = chain(kinds.hopeless.s(), kinds.add.s(1))()
    wait_until(lambda: inspector.has_record(last.id))
    record = inspector.wait_until_final(last.id)

    with pytest.raises(RerunRefused, match="never ran"):
        last.rerun()

    assert rerun_job(record, "a-mass-rerun") is False
    assert inspector.record(last.id).status is TaskStatus.FAILED


def test_a_group_runs_its_jobs_and_collects_their_results(inspector: JobInspector) -> None:
    sums = group(kinds.add.s(number, number) for number in range(10))()
    assert sums.get(timeout=10) == list(range(0, 20, 2))
    assert [inspector.wait_until_final(part.id).result for part in sums.results] == list(
        range(0, 20, 2)
    )


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # by Celery
def test_a_saved_group_can_be_restored() -> None:
    sums = group(kinds.add.s(1, 1), kinds.add.s(2, 2))()
    sums.save()
    assert app.GroupResult.restore(sums.id).get(timeout=10) == [2, 4]


def test_a_chord_runs_its_body_once_all_parts_are_done(inspector: JobInspector) -> None:
    body = chord([kinds.add.s(number, number) for number in range(10)])(kinds.total.s())
    assert body.get(timeout=10) == 90
    assert (inspector.record(body.id).kind, inspector.record(body.id).result) == ("tests.total", 90)


def test_a_chord_waits_for_a_part_that_is_retried(inspector: JobInspector) -> None:
    parts = [kinds.flaky.s(1).set(task_id="late-part"), kinds.add.s(20, 20)]
    body = chord(parts)(kinds.total.s())
    inspector.wait_for_status("late-part", TaskStatus.RETRYING)

    inspector.make_due("late-part")

    assert body.get(timeout=10) == 42


def test_a_chord_with_a_failed_part_does_not_run_its_body(inspector: JobInspector) -> None:
    body = chord([kinds.add.s(1, 1), kinds.hopeless.s()])(kinds.total.s().set(tags=["sums"]))
    with pytest.raises((ChordError, PermanentError), match="there is no such template"):
        body.get(timeout=10)
    wait_until(lambda: inspector.has_record(body.id))
    record = inspector.wait_until_final(body.id)
    assert (record.kind, record.tags, record.attempts) == ("tests.total", ["sums"], 0)
    wait_until(lambda: inspector.count_unacked() == len(inspector.list_messages()) == 0)


@pytest.mark.parametrize(
    "canvas",
    [
        chain(kinds.hopeless.s(), kinds.add.s(1)),
        chord([kinds.add.s(1, 1), kinds.hopeless.s()], kinds.total.s()),
    ],
    ids=["chain", "chord"],
)
def test_waiting_for_the_last_id_of_a_failed_chain_raises(canvas: Signature) -> None:
    last = app.AsyncResult(canvas.apply_async().id)

    with pytest.raises((ChordError, PermanentError), match="there is no such template"):
        last.get(timeout=3)

    assert last.state == states.FAILURE


def test_a_link_is_called_and_recorded_as_a_child(inspector: JobInspector) -> None:
    job = kinds.add.apply_async((1, 2), link=kinds.add.s(10).set(task_id="child-of-add"))

    assert job.get(timeout=10) == 3
    assert inspector.wait_until_final("child-of-add").result == 13
    assert [child.id for child in job.children] == ["child-of-add"]


def test_a_part_that_killed_its_workers_fails_the_body_and_calls_errbacks_once(
    inspector: JobInspector, client: redis.Redis
) -> None:
    part = kinds.die.si().set(task_id="deadly", link_error=[stock.note_failure.s("deadly-parts")])
    body = chord([part, kinds.add.s(1, 1)])(kinds.total.s())

    assert inspector.wait_until_final("deadly", 30).status is TaskStatus.FAILED
    wait_until(lambda: inspector.has_record(body.id))
    assert inspector.wait_until_final(body.id).status is TaskStatus.FAILED
    wait_until(lambda: client.lrange("failed:deadly", 0, -1) == ["once"])
    wait_until(lambda: inspector.count_unacked() == len(inspector.list_messages()) == 0)
    assert client.lrange("deadly-parts", 0, -1) == ["deadly"]


@pytest.mark.parametrize("where", ["success", "failure"])
def test_a_part_that_dies_before_its_chord_is_told_is_told_of_later(
    where: str, inspector: JobInspector
) -> None:
    part = stock.die_before_chord.si(where).set(task_id=f"untold-{where}")
    body = chord([part, kinds.add.s(2, 2)])(kinds.total.s())

    wait_until(lambda: inspector.has_record(body.id))
    status = inspector.wait_until_final(body.id).status

    assert status is (TaskStatus.SUCCESS if where == "success" else TaskStatus.FAILED)


def test_a_failed_part_of_a_chord_within_a_chord_fails_both(inspector: JobInspector) -> None:
    inner = chord([kinds.hopeless.si(), kinds.add.si(1, 1)], kinds.total.s())
    body = chord([inner, kinds.add.si(2, 2)])(kinds.total.s())

    wait_until(lambda: inspector.has_record(body.id))

    assert inspector.wait_until_final(body.id).status is TaskStatus.FAILED


def test_a_failed_link_fails_the_members_of_a_group_behind_it(inspector: JobInspector) -> None:
    behind = chain(kinds.hopeless.si(), group(kinds.add.si(1, 1), kinds.add.si(2, 2)))()

    for member in behind.results:
        wait_until(lambda member=member: inspector.has_record(member.id))  # type: ignore[misc]
        assert inspector.wait_until_final(member.id).status is TaskStatus.FAILED

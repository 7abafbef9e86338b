"""Results as Celery's users know them: states of one's own, what is in the meta, and when."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from celery import group, signals
from celery.contrib.abortable import AbortableAsyncResult

from project.celery import app
from project.errors import PermanentError
from project.job.result_consumer import RecordConsumer
from project.records.record import Progress, TaskStatus
from tests.chaos.stage.proxy import FaultProxy, Mode
from tests.support.apps import kinds, stock
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until


@pytest.fixture(scope="module", autouse=True)
def worker(worker_pool: Workers) -> None:
    """One worker for all these tests."""
    worker_pool.start("--concurrency=2").ready()


META = {"current": 3, "total": 10}


def test_a_state_of_ones_own_is_seen_until_the_job_ends(inspector: JobInspector) -> None:
    job = stock.tell_state.delay("PROGRESS", META)
    pid = inspector.wait_until_held(job.id)

    assert (job.state, job.info) == ("PROGRESS", META)
    record = inspector.record(job.id)
    assert (record.status, record.progress) == (TaskStatus.RUNNING, Progress(3, 10, "PROGRESS"))

    inspector.release(pid)
    assert job.get(timeout=10) == "done"
    assert job.state == "SUCCESS"


def test_those_who_wait_hear_of_states(inspector: JobInspector) -> None:
    heard: list[dict[str, Any]] = []
    job = stock.tell_state.apply_async(("PROGRESS", META), countdown=600)
    hold = kinds.hold.delay()
    inspector.release(inspector.wait_until_held(hold.id))

    def release(meta: dict[str, Any]) -> None:
        heard.append(meta)
        if meta["status"] == "PROGRESS":
            inspector.release(inspector.wait_until_held(job.id))

    job.backend.add_pending_result(job)
    job.backend.result_consumer.consume_from(job.id)
    inspector.make_due(job.id)
    job.get(timeout=10, on_message=release)

    assert ("PROGRESS", META) in [(meta["status"], meta["result"]) for meta in heard]


def test_who_listens_hears_what_came_between_the_subscription_and_that(
    inspector: JobInspector,
) -> None:
    heard: list[dict[str, Any]] = []
    job = stock.tell_state.apply_async(("PROGRESS", META), countdown=600)
    job.backend.add_pending_result(job)
    job.backend.result_consumer.consume_from(job.id)
    inspector.make_due(job.id)
    pid = inspector.wait_until_held(job.id)  # it has told its state

    def release(meta: dict[str, Any]) -> None:
        heard.append(meta)
        if meta["status"] == "PROGRESS":
            inspector.release(pid)

    assert job.get(timeout=10, on_message=release) is not None
    assert ("PROGRESS", META) in [(meta["status"], meta["result"]) for meta in heard]


def test_a_state_without_numbers_is_a_note_in_the_progress(inspector: JobInspector) -> None:
    job = stock.tell_state.delay("UPLOADING", {"to": "the \ud83d\ude80"})
    pid = inspector.wait_until_held(job.id)

    progress = inspector.record(job.id).progress

    assert progress is not None
    assert progress.note.startswith("UPLOADING")
    inspector.release(pid)


def test_a_job_that_ignores_its_result_keeps_a_state_of_its_own(inspector: JobInspector) -> None:
    job = stock.tell_state.delay("PARTLY", META, ignore=True)
    inspector.release(inspector.wait_until_held(job.id))

    record = inspector.wait_until_final(job.id)

    assert (record.status, record.result) == (TaskStatus.SUCCESS, META)
    assert (job.state, job.info) == ("PARTLY", META)


def test_an_abortable_task_is_aborted(inspector: JobInspector) -> None:
    job = stock.abortable.delay()
    inspector.wait_until_held(job.id)

    result = AbortableAsyncResult(job.id, app=app)
    result.abort()

    assert result.is_aborted() or result.ready()
    assert job.get(timeout=10) == "aborted"


def test_the_retry_delay_of_a_task_is_followed(inspector: JobInspector) -> None:
    before = datetime.now(UTC).timestamp()
    job = stock.slow_retry.delay()
    inspector.wait_for_status(job.id, TaskStatus.RETRYING)

    assert inspector.find_due_time(job.id) == pytest.approx(before + 77, abs=10)


def test_a_job_that_waits_for_a_retry_has_its_error_as_result(inspector: JobInspector) -> None:
    job = stock.slow_retry.delay()
    inspector.wait_for_status(job.id, TaskStatus.RETRYING)

    assert job.state == "RETRY"
    assert (type(job.result), job.result.args) == (ValueError, ("not yet", 5))
    assert "ValueError" in job.traceback


def test_a_retry_at_a_time_without_a_zone_is_in_the_zone_of_the_app(
    inspector: JobInspector,
) -> None:
    eta = datetime.now(app.timezone) + timedelta(hours=5)
    job = stock.retry_at.delay(eta.replace(tzinfo=None).isoformat())
    inspector.wait_for_status(job.id, TaskStatus.RETRYING)

    assert inspector.find_due_time(job.id) == pytest.approx(eta.timestamp(), abs=10)


def test_on_success_reads_that_its_job_has_succeeded(client: redis.Redis) -> None:
    job = stock.sees_itself.delay()

    assert job.get(timeout=10) == 1
    wait_until(lambda: client.lrange(f"states:{job.id}", 0, -1) == ["SUCCESS"])


def test_a_failed_job_has_children_and_the_time_of_its_end(inspector: JobInspector) -> None:
    job = stock.calls_and_fails.delay()
    with pytest.raises(PermanentError):
        job.get(timeout=10)

    fresh = app.AsyncResult(job.id)

    assert [child.id for child in fresh.children] == [f"child-of-{job.id}"]
    assert isinstance(fresh.date_done, datetime)
    assert isinstance(job.date_done, datetime)


def test_a_job_that_was_waited_for_has_the_time_of_its_end() -> None:
    jobs = [kinds.add.delay(1, 1) for _ in range(10)]
    assert [job.get(timeout=10) for job in jobs] == [2] * 10

    assert {type(job.date_done) for job in jobs} == {datetime}


def test_a_member_of_a_group_knows_its_group() -> None:
    members = group(kinds.add.s(1, 1), kinds.add.s(2, 2))()
    assert members.get(timeout=10) == [2, 4]

    metas = [app.backend.get_task_meta(member.id) for member in members.results]

    assert {meta["group_id"] for meta in metas} == {members.id}


def test_the_extended_result_has_name_arguments_and_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(vars(app.backend), "is_extended", value=True)
    job = kinds.add.delay(1, y=1)
    while app.AsyncResult(job.id).state != "SUCCESS":
        job.get(timeout=10)

    fresh = app.AsyncResult(job.id)

    assert (fresh.name, fresh.args, fresh.kwargs) == ("tests.add", [1], {"y": 1})
    assert (fresh.retries, fresh.queue) == (0, "celery")
    assert fresh.worker.endswith("@test")


def test_a_job_that_has_ended_is_forgotten(inspector: JobInspector) -> None:
    done, waiting = kinds.add.delay(1, 1), kinds.add.apply_async((1, 1), countdown=600)
    inspector.wait_until_final(done.id)

    done.forget()
    waiting.forget()

    assert not inspector.has_record(done.id)
    assert inspector.record(waiting.id).status is TaskStatus.PENDING


def test_a_result_that_is_ignored_is_not_waited_for() -> None:
    assert kinds.quiet.delay().get(timeout=5) is None


def test_a_job_exists_when_its_publication_is_signalled(inspector: JobInspector) -> None:
    seen: list[bool] = []

    def look(headers: dict[str, Any], **_: Any) -> None:
        seen.append(inspector.has_record(headers["id"]))

    signals.after_task_publish.connect(look, weak=False)
    try:
        job = kinds.add.delay(1, 1)
    finally:
        signals.after_task_publish.disconnect(look)

    assert job.get(timeout=10) == 2
    assert seen == [True]


def test_a_soft_limit_above_the_hard_one_is_refused() -> None:
    with pytest.raises(ValueError, match="soft_time_limit must be less than or equal"):
        stock.wrong_limits.delay()
    with pytest.raises(ValueError, match="soft_time_limit must be less than or equal"):
        kinds.add.apply_async((1, 1), soft_time_limit=9, time_limit=8)


@pytest.mark.parametrize("state", ["SUCCESS", "FAILURE"])
def test_a_result_can_be_stored_from_outside(state: str, inspector: JobInspector) -> None:
    value = 5 if state == "SUCCESS" else PermanentError("elsewhere")

    app.backend.store_result(f"outside-{state}", value, state)

    assert app.AsyncResult(f"outside-{state}").state == state
    assert inspector.record(f"outside-{state}").is_final


class Waiting:
    """A result that is waited for; notes how many listen to it when it is read."""

    def __init__(self, job_id: str, client: redis.Redis) -> None:
        self.id = job_id
        self._client = client
        self.listeners: int | None = None

    def _iter_meta(self, **_: Any) -> Iterator[None]:
        channel = app.backend.get_key_for_task(self.id)
        ((_, self.listeners),) = self._client.pubsub_numsub(channel)
        yield None


def test_a_result_is_read_after_redis_knows_who_waits_for_it(client: redis.Redis) -> None:
    consumer = RecordConsumer(app.backend, app, app.backend.accept, {}, {})
    waiting = Waiting("waited-for", client)
    port = client.connection_pool.connection_kwargs["port"]

    with FaultProxy(port) as proxy, redis.Redis(port=proxy.port) as slow:
        consumer._pubsub = slow.pubsub(ignore_subscribe_messages=True)  # noqa: SLF001
        consumer.consume_from("first")
        proxy.set(Mode.HOLD)
        consumer.consume_from(waiting.id)
        threading.Timer(0.2, proxy.set, [Mode.PASS]).start()
        consumer.on_wait_for_pending(waiting)
        consumer.stop()

    assert waiting.listeners == 1

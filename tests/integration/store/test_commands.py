"""The moves of a record against a real Valkey."""

import json
import time
from typing import Any

import pytest

from project.errors import DuplicateJob, StoreUnavailable
from project.records.grouping import KindQueue
from project.records.record import RecordPage, TaskRecord, TaskStatus
from project.store.client import Store
from project.store.commands import attempts as attempt_commands
from project.store.commands import jobs as job_commands
from project.store.commands import maintenance, queries, queues, statistics
from project.store.commands import workers as worker_commands
from project.store.commands.attempts import StartResult, Verdict
from project.store.commands.message import Message
from project.store.commands.queries import RecordFilter


def message(job_id: str, kind: str = "report", **changes: Any) -> Message:
    return Message(job_id, kind, "celery", f"message of {job_id}", "[[], {}]", 3)._replace(
        **changes
    )


def record(store: Store, job_id: str) -> TaskRecord:
    found = store.run(queries.read_record(job_id))
    assert found is not None
    return found


def start(store: Store, job_id: str, retries: int = 0, token: str = "t") -> StartResult:
    return store.run(attempt_commands.start(job_id, retries=retries, token=token))


def succeed(store: Store, job_id: str, token: str = "t") -> Verdict:
    return store.run(
        attempt_commands.succeed(job_id, token=token, result='{"rows": 1.0}', result_message="{}")
    )


def retry(store: Store, job_id: str, token: str = "t", delay: float = 60) -> Verdict:
    again = message(job_id, text="again")
    return store.run(
        attempt_commands.retry(job_id, token=token, error="boom", delay=delay, message=again)
    )


def fail(store: Store, job_id: str, token: str = "t") -> Verdict:
    move = attempt_commands.fail(
        job_id,
        token=token,
        status=TaskStatus.FAILED,
        error="boom",
        exception="{}",
        result_message="{}",
    )
    return store.run(move)


def list_messages(store: Store) -> list[bytes]:
    return store.client.lrange("celery", 0, -1)


def count_statuses(store: Store) -> dict[str, int]:
    stats = store.run(statistics.read_stats())
    return {status: count for status, count in stats.status_counts.items() if count}


def test_enqueue_creates_record_index_entries_and_message(store: Store) -> None:
    made = store.run(job_commands.enqueue(message("a")))

    assert made == record(store, "a")
    assert (made.status, made.attempts, made.max_retries) == (TaskStatus.PENDING, 0, 3)
    assert list_messages(store) == [b"message of a"]
    assert count_statuses(store) == {"pending": 1}


def test_an_id_is_enqueued_once(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))

    with pytest.raises(DuplicateJob):
        store.run(job_commands.enqueue(message("a")))

    assert len(list_messages(store)) == 1


def test_an_enqueue_whose_answer_was_lost_happens_once(store: Store) -> None:
    move = job_commands.enqueue(message("a"))
    first = store.run(move)

    start(store, "a")

    assert store.run(move).created_at == first.created_at
    assert len(list_messages(store)) == 1


def test_a_job_goes_from_pending_over_running_to_success(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    assert start(store, "a") is StartResult.STARTED
    assert record(store, "a").status is TaskStatus.RUNNING
    assert succeed(store, "a") is Verdict.APPLIED

    done = record(store, "a")
    assert (done.status, done.attempts, done.result) == (TaskStatus.SUCCESS, 1, {"rows": 1.0})
    assert done.created_at <= (done.started_at or 0) <= (done.finished_at or 0) == done.updated_at
    assert count_statuses(store) == {"success": 1}


def test_a_retry_waits_and_then_is_queued_again(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    store.client.delete("celery")
    assert retry(store, "a", delay=60) is Verdict.APPLIED
    assert (record(store, "a").status, record(store, "a").error) == (TaskStatus.RETRYING, "boom")

    upkeep = store.run(maintenance.promote(10))
    assert upkeep.promoted == 0
    assert upkeep.next_in == pytest.approx(60, abs=2)

    store.client.zadd("continuo:scheduled", {"a": time.time() - 1})
    assert store.run(maintenance.promote(10)).promoted == 1
    assert list_messages(store) == [b"again"]
    assert start(store, "a", retries=1) is StartResult.STARTED
    assert record(store, "a").attempts == 2


def postpone(store: Store, job_id: str, token: str = "t", delay: float = 60) -> Verdict:
    again = message(job_id, text="again")
    return store.run(attempt_commands.postpone(job_id, token=token, delay=delay, message=again))


def test_a_postponed_job_waits_and_its_attempt_is_not_counted(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    store.client.delete("celery")
    assert postpone(store, "a", token="another") is Verdict.REFUSED
    assert postpone(store, "a") is Verdict.APPLIED
    assert postpone(store, "a") is Verdict.REPEATED

    waits = record(store, "a")
    assert (waits.status, waits.attempts, waits.error) == (TaskStatus.RETRYING, 0, "")
    assert store.run(maintenance.promote(10)).promoted == 0
    store.client.zadd("continuo:scheduled", {"a": time.time() - 1}, xx=True)
    assert store.run(maintenance.promote(10)).promoted == 1
    assert list_messages(store) == [b"again"]
    assert start(store, "a", token="u") is StartResult.STARTED
    assert record(store, "a").attempts == 1


def test_a_job_postponed_for_zero_seconds_goes_to_the_end_of_its_queue(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    store.client.delete("celery")

    store.run(job_commands.enqueue(message("b")))

    assert postpone(store, "a", delay=0) is Verdict.APPLIED
    assert list_messages(store) == [b"again", b"message of b"]


def test_a_job_with_a_cancel_request_is_not_postponed(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a", token="w#1")

    store.run(attempt_commands.cancel("a"))

    assert postpone(store, "a", token="w#1") is Verdict.REFUSED
    assert record(store, "a").status is TaskStatus.CANCELLED


def test_a_job_due_later_is_not_on_the_queue_yet(store: Store) -> None:
    store.run(job_commands.enqueue(message("a", due=time.time() + 3600)))

    assert list_messages(store) == []
    assert store.run(statistics.read_stats()).queue_size == 0
    assert store.run(maintenance.promote(10)).next_in == pytest.approx(3600, abs=5)


def test_a_repeated_command_happens_once(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    assert retry(store, "a") is Verdict.APPLIED
    assert retry(store, "a") is Verdict.REPEATED

    start(store, "a", retries=1)
    assert succeed(store, "a") is Verdict.APPLIED
    assert succeed(store, "a") is Verdict.REPEATED


def test_every_command_of_a_stale_attempt_is_refused(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))

    start(store, "a", token="gone")

    assert start(store, "a", token="here") is StartResult.STARTED
    assert succeed(store, "a", token="gone") is Verdict.REFUSED
    assert retry(store, "a", token="gone") is Verdict.REFUSED
    assert fail(store, "a", token="gone") is Verdict.REFUSED
    assert record(store, "a").attempts == 1
    assert succeed(store, "a", token="here") is Verdict.APPLIED


def renew_leases(store: Store, *workers: str) -> None:
    for worker in workers:
        store.run(worker_commands.renew_lease(worker, 60, {"slots": 2}, first=True))


def kill_attempt(store: Store, job_id: str, token: str) -> None:
    """The process of this attempt dies; its message is taken from the queue again."""
    store.run(attempt_commands.interrupt(job_id, token=token, cause="SIGKILL"))


def test_a_second_delivery_of_a_running_job_finds_it_busy(store: Store) -> None:
    renew_leases(store, "w1", "w2")

    store.run(job_commands.enqueue(message("a")))

    assert start(store, "a", token="w1#1") is StartResult.STARTED
    assert start(store, "a", token="w1#1") is StartResult.STARTED  # asked again after a lost answer
    assert start(store, "a", token="w1#2") is StartResult.BUSY
    assert start(store, "a", token="w2#1") is StartResult.BUSY
    assert record(store, "a").interruptions == 0
    assert succeed(store, "a", token="w1#1") is Verdict.APPLIED


def test_the_parked_message_of_a_running_job_is_queued_when_its_process_dies(store: Store) -> None:
    renew_leases(store, "w1")
    store.run(job_commands.enqueue(message("a")))
    start(store, "a", token="w1#1")
    store.client.delete("celery")
    store.run(attempt_commands.park(message("a"), retries=0))
    assert (list_messages(store), store.client.zcard("continuo:scheduled")) == ([], 1)

    kill_attempt(store, "a", "w1#1")
    assert (list_messages(store), store.client.zcard("continuo:scheduled")) == (
        [b"message of a"],
        0,
    )


def test_a_worker_runs_one_suspected_killer_at_a_time(store: Store) -> None:
    renew_leases(store, "w1", "w2")
    for job_id in ("a", "b"):
        store.run(job_commands.enqueue(message(job_id)))
        start(store, job_id, token=f"w1#{job_id}")
        kill_attempt(store, job_id, f"w1#{job_id}")
    assert start(store, "a", token="w1#3") is StartResult.STARTED
    assert start(store, "b", token="w1#4") is StartResult.BUSY

    store.run(attempt_commands.park(message("b"), retries=0))
    assert store.run(maintenance.promote(10)).next_in == pytest.approx(1.75, abs=1.5)
    assert start(store, "b", token="w2#1") is StartResult.STARTED

    succeed(store, "b", token="w2#1")
    succeed(store, "a", token="w1#3")
    store.run(job_commands.enqueue(message("c")))

    assert start(store, "c", token="w1#5") is StartResult.STARTED


def test_a_message_parked_for_an_attempt_replaces_an_older_one(store: Store) -> None:
    renew_leases(store, "w1")
    store.run(job_commands.enqueue(message("a")))
    start(store, "a", token="w1#1")
    store.run(attempt_commands.park(message("a", text="first"), retries=0))
    store.run(attempt_commands.park(message("a", text="second"), retries=0))

    kill_attempt(store, "a", "w1#1")

    assert list_messages(store)[-1] == b"second"


def test_parking_keeps_a_delayed_message(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    retry(store, "a", delay=60)

    store.run(attempt_commands.park(message("a", text="old"), retries=0))

    assert store.client.hget("continuo:job:a", "message") == b"again"


def test_a_redelivered_message_does_not_run_the_job_again(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    retry(store, "a")
    assert start(store, "a", retries=0) is StartResult.REFUSED
    assert start(store, "a", retries=1) is StartResult.STARTED

    succeed(store, "a")
    assert start(store, "a", retries=1) is StartResult.REFUSED


def test_a_final_status_never_changes(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")

    fail(store, "a")

    assert succeed(store, "a") is Verdict.REFUSED
    assert retry(store, "a") is Verdict.REFUSED
    assert record(store, "a").status is TaskStatus.FAILED


def test_a_message_without_a_record_gets_one(store: Store) -> None:
    assert start(store, "a") is StartResult.UNKNOWN
    assert store.run(job_commands.register(message("a", kind="foreign"), retries=0))
    assert not store.run(job_commands.register(message("a", kind="foreign"), retries=0))
    assert start(store, "a") is StartResult.STARTED
    assert record(store, "a").kind == "foreign"
    assert count_statuses(store) == {"running": 1}


def test_an_unknown_id_has_no_record(store: Store) -> None:
    assert store.run(queries.read_record("a")) is None
    assert succeed(store, "a") is Verdict.REFUSED
    assert fail(store, "a", token="") is Verdict.REFUSED


def test_pages_list_every_record_once_newest_first(store: Store) -> None:
    for number in range(25):
        store.run(job_commands.enqueue(message(f"{number:02}", kind="ab"[number % 2])))
    seen: list[str] = []
    cursor = None

    while True:
        page = store.run(queries.list_page(limit=4, cursor=cursor))
        assert page.total == 25
        seen += [record.id for record in page.records]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == [f"{number:02}" for number in reversed(range(25))]


def test_records_with_equal_times_are_paged_without_loss(store: Store) -> None:
    for number in range(12):
        store.run(job_commands.enqueue(message(f"{number:02}")))
        store.client.zadd("continuo:index:report@celery:pending", {f"{number:02}": 1000.0})
        store.client.hset(f"continuo:job:{number:02}", "created_at", "1000.0")
    first = store.run(queries.list_page(limit=5))
    second = store.run(queries.list_page(limit=5, cursor=first.next_cursor))

    third = store.run(queries.list_page(limit=5, cursor=second.next_cursor))
    ids = [record.id for page in (first, second, third) for record in page.records]

    assert ids == [f"{number:02}" for number in reversed(range(12))]
    assert third.next_cursor is None


def test_a_page_can_be_filtered_by_kind_and_status(store: Store) -> None:
    for number in range(4):
        store.run(job_commands.enqueue(message(str(number), kind="ab"[number % 2])))
    start(store, "2")

    running = store.run(
        queries.list_page(RecordFilter(kinds=["a"], statuses=[TaskStatus.RUNNING]), limit=10)
    )

    assert [record.id for record in running.records] == ["2"]
    assert running.total == 1


def test_a_page_can_be_filtered_by_time(store: Store) -> None:
    made = [store.run(job_commands.enqueue(message(str(number)))).created_at for number in range(5)]
    between = RecordFilter(created_after=made[0], created_before=made[4])
    first = store.run(queries.list_page(between, limit=2))

    second = store.run(queries.list_page(between, limit=2, cursor=first.next_cursor))

    assert [record.id for record in (*first.records, *second.records)] == ["3", "2", "1"]
    assert (first.total, second.total, second.next_cursor) == (3, 3, None)


def ids(page: RecordPage) -> list[str]:
    return [record.id for record in page.records]


def find(store: Store, **question: Any) -> list[str]:
    return ids(store.run(queries.list_page(RecordFilter(**question), limit=10)))


def test_a_record_has_its_queue_and_its_tags(store: Store) -> None:
    about = {"queue": "slow\x06\x163", "tags": ("b", "a")}
    made = store.run(job_commands.enqueue(message("a", **about)))
    assert made == record(store, "a")
    assert (made.kind, made.queue, made.tags) == ("report", "slow", ["b", "a"])

    plain = store.run(job_commands.enqueue(message("b")))
    assert (plain.queue, plain.tags) == ("celery", [])


def test_a_job_is_found_by_queue_and_tag_in_every_status(store: Store) -> None:
    for number in range(4):
        tags = ("even",) if number % 2 == 0 else ("odd", "prime")
        queue = "slow" if number > 1 else "celery"
        store.run(job_commands.enqueue(message(str(number), queue=queue, tags=tags)))
    assert find(store, queues=["slow"]) == ["3", "2"]
    assert find(store, queues=["celery"], tags=["even"]) == ["0"]
    assert find(store, tags=["odd"]) == find(store, tags=["prime"]) == ["3", "1"]

    start(store, "3")
    assert find(store, tags=["odd"], statuses=[TaskStatus.RUNNING]) == ["3"]
    assert find(store, tags=["odd"], statuses=[TaskStatus.PENDING]) == ["1"]

    retry(store, "3")
    store.run(attempt_commands.cancel("1"))
    assert find(store, tags=["odd"], statuses=[TaskStatus.CANCELLED]) == ["1"]
    assert find(store, tags=["none"]) == find(store, queues=["none"]) == []
    assert count_statuses(store) == {"pending": 2, "retrying": 1, "cancelled": 1}


@pytest.mark.parametrize("name", ["a", "a@b", "a:success", "%40", "\u00fc x", "a.b|c"])
def test_scripts_name_a_kind_and_a_queue_as_python_does(store: Store, name: str) -> None:
    store.run(job_commands.enqueue(message("1", name, queue=name, tags=("x",))))
    store.run(job_commands.enqueue(message("2", name + "@", queue=name, tags=("x",))))

    both = [KindQueue(name, name), KindQueue(name + "@", name)]
    assert store.run(queues.list_kind_queues()) == both
    assert find(store, kinds=[name], queues=[name], tags=["x"]) == ["1"]


def test_a_job_retried_on_another_queue_is_listed_under_it(store: Store) -> None:
    store.run(job_commands.enqueue(message("a", tags=("x",))))
    start(store, "a")
    again = message("a", text="again", queue="slow")

    store.run(attempt_commands.retry("a", token="t", error="", delay=0, message=again))

    assert (record(store, "a").queue, record(store, "a").tags) == ("slow", ["x"])
    assert find(store, queues=["slow"], tags=["x"]) == ["a"]
    assert find(store, queues=["celery"]) == []
    assert count_statuses(store) == {"retrying": 1}


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


def test_a_tag_and_a_tenant_are_intersected_within_a_bound(store: Store) -> None:
    for number in range(6):
        own = message(str(number), tags=("x",), tenant=str(number % 2))
        store.run(job_commands.enqueue(own))
    both = RecordFilter(tags=["x"], tenant="1")

    page = store.run(queries.list_page(both, limit=2))

    assert (ids(page), page.total) == (["5", "3"], None)
    assert ids(store.run(queries.list_page(both, limit=2, cursor=page.next_cursor))) == ["1"]


def test_errors_are_searched_in_steps(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("project.store.commands.queries.MAX_SCANNED_RECORDS", 4)
    for number in range(10):
        store.run(job_commands.enqueue(message(str(number))))
        start(store, str(number))
        fail(store, str(number))
        store.client.hset(f"continuo:job:{number}", "error", f"no. {number} (of 10)")
    asked = RecordFilter(error="(of 10)")
    page = store.run(queries.list_page(asked, limit=2))
    assert (ids(page), page.looked_at, page.total) == (["9", "8"], 2, None)

    rare, cursor, looked_at = RecordFilter(error="no. 1 ("), None, []
    for _ in range(3):
        page = store.run(queries.list_page(rare, limit=2, cursor=cursor))
        cursor = page.next_cursor
        looked_at.append((page.looked_at, ids(page)))

    assert looked_at == [(4, []), (4, []), (2, ["1"])]
    assert cursor is None


def test_the_cost_of_a_page_does_not_grow_with_the_number_of_records(store: Store) -> None:
    """By the commands that its script calls: no more of them, whatever is asked."""

    def calls(question: RecordFilter) -> int:
        store.client.config_resetstat()
        store.run(queries.list_page(question, limit=5))
        stats = store.client.info("commandstats")
        return sum(one["calls"] for one in stats.values())

    def enqueue(count: int) -> None:
        jobs = [message(f"{count}-{number}", queue="slow", tags=("x",)) for number in range(count)]
        store.run(job_commands.enqueue_many(jobs))

    enqueue(20)
    middle = record(store, "20-10").created_at
    questions = [
        RecordFilter(),
        RecordFilter(kinds=["report"], statuses=[TaskStatus.PENDING]),
        RecordFilter(queues=["slow"]),
        RecordFilter(tags=["x"], created_after=middle),
        RecordFilter(created_before=middle),
    ]
    store.run(queries.list_page(limit=1))  # Redis knows the script from here on
    before = [calls(question) for question in questions]
    enqueue(1000)

    assert [calls(question) for question in questions] == before


def test_sweeping_removes_a_record_from_every_list(store: Store) -> None:
    store.run(job_commands.enqueue(message("a", queue="slow", tags=("x",), tenant="y")))
    start(store, "a")
    succeed(store, "a")
    store.client.delete("slow")
    store.client.hset("continuo:job:a", "finished_at", 1)
    for name in store.client.keys("continuo:index:*:success*"):
        store.client.zadd(name, {"a": 1})
    status = TaskStatus.SUCCESS

    move = maintenance.sweep(
        kind_queue="report@slow", status=status, retention=60, offset=0, most=10
    )

    assert store.run(move) == (1, 0)
    assert set(store.client.keys()) <= {
        b"continuo:events",
        b"continuo:kind_queues",
        b"continuo:queues",
        b"continuo:wakeup:slow",
        b"continuo:counters:report@slow",
    }


def test_sweeping_deletes_only_expired_records(store: Store) -> None:
    for job_id in ("old", "young", "waiting"):
        store.run(job_commands.enqueue(message(job_id)))
    long_ago = time.time() - 1000
    for job_id in ("old", "young"):
        start(store, job_id)
        succeed(store, job_id)
        store.client.zadd("continuo:index:report@celery:success", {job_id: long_ago})
    store.client.hset("continuo:job:old", "finished_at", long_ago)

    def sweep(offset: int) -> tuple[int, int]:
        move = maintenance.sweep(
            kind_queue="report@celery",
            status=TaskStatus.SUCCESS,
            retention=500,
            offset=offset,
            most=1,
        )
        return store.run(move)

    rounds = [sweep(0)]
    while rounds[-1][1]:
        rounds.append(sweep(rounds[-1][1]))

    assert sum(deleted for deleted, _ in rounds) == 1
    assert store.run(queries.read_record("old")) is None
    assert record(store, "young").status is TaskStatus.SUCCESS
    assert count_statuses(store) == {"pending": 1, "success": 1}


def test_workers_are_counted_while_their_lease_is_valid(store: Store) -> None:
    store.run(worker_commands.renew_lease("w1", 60, {"slots": 2}, first=True))
    store.run(worker_commands.renew_lease("w2", 60, {"slots": 4}, first=True))
    assert store.run(statistics.read_stats()).worker_count == 6

    store.client.zadd("continuo:workers", {"w1": time.time() - 1})
    assert store.run(statistics.read_stats()).worker_count == 4

    store.run(worker_commands.sign_off("w2"))
    assert store.run(statistics.read_stats()).worker_count == 0


def test_a_full_redis_refuses_new_jobs_and_finishes_accepted_ones(store: Store) -> None:
    store.run(job_commands.enqueue(message("a")))
    start(store, "a")
    store.client.config_set("maxmemory", "1mb")

    try:
        with pytest.raises(StoreUnavailable, match="full"):
            store.run(job_commands.enqueue(message("b")))
        assert store.run(queries.read_record("b")) is None
        assert retry(store, "a", delay=0) is Verdict.APPLIED
        assert store.run(maintenance.promote(10)).promoted == 1
        assert start(store, "a", retries=1) is StartResult.STARTED
        assert succeed(store, "a") is Verdict.APPLIED
        store.run(worker_commands.renew_lease("w", 60, {"slots": 2}, first=True))
    finally:
        store.client.config_set("maxmemory", "0")

    assert json.loads(json.dumps(record(store, "a").to_dict()))["status"] == "success"
    assert list_messages(store) == [b"again", b"message of a"]


def test_a_departed_worker_takes_no_more_jobs(store: Store) -> None:
    def fetch(serial: int) -> int:
        move = worker_commands.fetch("w", serial=serial, most=1, done=[], lists=["celery"])
        return len(store.run(move))

    store.run(worker_commands.renew_lease("w", 60, {"slots": 1}, first=True))
    store.run(job_commands.enqueue(message("a")))
    assert fetch(1) == 1

    store.run(worker_commands.sign_off("w"))
    assert list_messages(store) == [b"message of a"]
    assert fetch(2) == 0
    assert list_messages(store) == [b"message of a"]


@pytest.mark.parametrize("job_id", ['{"odd": 1}', '"a"', "null"])
def test_a_message_that_breaks_requeueing_is_not_lost(store: Store, job_id: str) -> None:
    text = f'{{"headers": {{"id": {job_id}}}}}'
    store.run(worker_commands.renew_lease("w", 60, {"slots": 1}, first=True))
    store.run(job_commands.enqueue(message("a", text=text)))
    store.run(worker_commands.fetch("w", serial=1, most=1, done=[], lists=["celery"]))

    store.client.set("continuo:job:a", "not a hash any more")

    assert store.run(worker_commands.sign_off("w")) == 1
    assert list_messages(store) == [text.encode()]
    assert store.client.hlen("continuo:unacked:w") == 0

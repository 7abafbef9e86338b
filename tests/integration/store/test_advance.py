"""The move that ends one attempt and begins the next, against a real Valkey."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from project.records.record import TaskRecord, TaskStatus
from project.store.client import Store
from project.store.commands import attempts, jobs, queries, queues, workers
from project.store.commands.attempts import StartResult, Verdict
from project.store.commands.command import Command
from project.store.commands.message import Message
from project.worker.pool import Pool

LISTS = ["celery", "celery\x06\x163"]


@pytest.fixture(autouse=True)
def worker(store: Store) -> None:
    about: dict[str, Any] = {"host": "h", "pid": 1, "slots": 1, "started_at": 0}
    store.run(workers.renew_lease("w", 60, about, first=True))


def enqueue(store: Store, job_id: str, queue: str = "celery", **headers: Any) -> None:
    plain = {"eta": None, "expires": None, "timelimit": [None, None], "retries": 0, "task": "k"}
    wire = {"content-type": "application/json", "headers": plain | {"id": job_id} | headers}
    store.run(jobs.enqueue(Message(job_id, "k", queue, json.dumps(wire), "[]", 3)))


def run(store: Store, job_id: str, serial: str = "p1.0") -> None:
    """Have an attempt at a job that is on no list any more."""
    store.client.delete(*LISTS)
    assert store.run(attempts.start(job_id, retries=0, token=f"w#{serial}")) is StartResult.STARTED


def advance(
    job_id: str, serial: str = "p1.0", following: str = "p1.1", lists: list[str] = LISTS
) -> Command[tuple[Verdict, bytes | None]]:
    success = attempts.succeed(job_id, token=f"w#{serial}", result="1", result_message="{}")
    return attempts.advance(
        success, worker="w", done=serial, serial=following, lists=lists, kinds="\nj\nk\n"
    )


def record(store: Store, job_id: str) -> TaskRecord:
    found = store.run(queries.read_record(job_id))
    assert found is not None
    return found


def list_unacked(store: Store) -> list[str]:
    return sorted(key.decode() for key in store.client.hkeys("continuo:unacked:w"))


def parse_started_id(text: bytes | None) -> str:
    assert text is not None
    return str(json.loads(text)["headers"]["id"])


def test_one_job_ends_and_the_next_one_starts(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "b")
    enqueue(store, "c")

    verdict, text = store.run(advance("a"))

    assert (verdict, parse_started_id(text)) == (Verdict.APPLIED, "b")
    assert record(store, "a").status is TaskStatus.SUCCESS
    assert (record(store, "b").status, record(store, "b").attempts) == (TaskStatus.RUNNING, 1)
    assert record(store, "c").status is TaskStatus.PENDING
    assert list_unacked(store) == ["p1.1"]
    assert parse_started_id(store.run(advance("b", "p1.1", "p1.2"))[1]) == "c"
    assert list_unacked(store) == ["p1.2"]
    assert store.run(advance("c", "p1.2", "p1.3")) == (Verdict.APPLIED, None)
    assert list_unacked(store) == []


def test_a_repeated_advance_happens_once(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "b")
    enqueue(store, "c")
    _, first = store.run(advance("a"))

    verdict, second = store.run(advance("a"))

    assert (verdict, second) == (Verdict.REPEATED, first)
    assert record(store, "c").status is TaskStatus.PENDING
    assert list_unacked(store) == ["p1.1"]


def test_lists_are_read_in_order(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "later", LISTS[1])

    enqueue(store, "first")

    assert parse_started_id(store.run(advance("a"))[1]) == "first"


@pytest.mark.parametrize(
    "other",
    [
        {"task": "other"},
        {"eta": "2026-01-01T00:00:00"},
        {"expires": "2026-01-01T00:00:00"},
        {"timelimit": [None, 5]},
        {"retries": 1},
        {"id": "nobody"},
        {"timelimit": "x"},
    ],
    ids=str,
)
def test_only_plain_messages_of_the_kind_are_taken(store: Store, other: dict[str, Any]) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "b", **other)

    enqueue(store, "c")

    assert store.run(advance("a")) == (Verdict.APPLIED, None)
    assert len(store.client.lrange("celery", 0, -1)) == 2
    assert record(store, "b").status is TaskStatus.PENDING
    assert list_unacked(store) == []


def test_a_job_with_earlier_deaths_is_not_taken(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "b")

    store.client.hset("continuo:job:b", "deaths", "1")

    assert store.run(advance("a")) == (Verdict.APPLIED, None)


def test_a_departed_worker_takes_nothing_more(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "b")

    store.run(workers.sign_off("w"))

    assert store.run(advance("a"))[1] is None
    assert record(store, "b").status is TaskStatus.PENDING


def test_without_lists_advance_only_ends_the_job(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")

    enqueue(store, "b")

    assert store.run(advance("a", lists=[])) == (Verdict.APPLIED, None)
    assert record(store, "a").status is TaskStatus.SUCCESS
    assert record(store, "b").status is TaskStatus.PENDING


def test_an_attempt_that_lost_its_job_does_not_end_it(store: Store) -> None:
    enqueue(store, "a")

    run(store, "a", "p2.7")

    assert store.run(advance("a", "p1.0"))[0] is Verdict.REFUSED
    assert record(store, "a").status is TaskStatus.RUNNING


def test_only_the_jobs_taken_by_the_dead_process_are_requeued(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "b")
    enqueue(store, "c")
    store.run(advance("a"))
    store.run(workers.fetch("w", serial=5, most=1, done=[], lists=LISTS))
    assert list_unacked(store) == ["5", "p1.1"]
    assert store.run(workers.requeue_dead_process("w", "p1.", "it died")) == 1
    assert list_unacked(store) == ["5"]

    back = record(store, "b")
    assert (back.status, back.attempts, back.interruptions) == (TaskStatus.PENDING, 0, 1)
    assert store.run(workers.requeue_dead_process("w", "p1.", "it died")) == 0
    assert record(store, "b").interruptions == 1


def test_after_a_lost_connection_processes_keep_the_jobs_they_took(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "b")
    enqueue(store, "c")
    store.run(advance("a"))

    store.run(workers.fetch("w", serial=5, most=1, done=[], lists=LISTS))

    assert store.run(workers.requeue_unstarted("w", [])) == 1
    assert list_unacked(store) == ["p1.1"]
    assert record(store, "b").status is TaskStatus.RUNNING


def test_nothing_is_taken_from_a_paused_queue(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "b")
    enqueue(store, "c", queue="slow")
    store.run(queues.pause("celery"))

    verdict, text = store.run(advance("a", lists=[*LISTS, "slow"]))

    assert (verdict, parse_started_id(text)) == (Verdict.APPLIED, "c")
    assert store.run(advance("c", "p1.1", "p1.2", lists=LISTS)) == (Verdict.APPLIED, None)
    assert record(store, "b").status is TaskStatus.PENDING


def test_a_message_from_before_a_rerun_is_left_to_the_main_process(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "b")
    store.run(attempts.cancel("b"))

    store.run(jobs.rerun(Message("b", "k", "celery", "{}", "[]", 3), attempts=0, rerun_id="now"))

    assert store.run(advance("a")) == (Verdict.APPLIED, None)
    assert record(store, "b").status is TaskStatus.PENDING


def build_worker(*pids: int) -> Any:
    """As much of a worker as its pool is asked about, these processes living."""
    processes = [SimpleNamespace(pid=pid, exitcode=None) for pid in pids]
    pool = SimpleNamespace(_pool=SimpleNamespace(_pool=processes))
    return SimpleNamespace(app=SimpleNamespace(worker_id="w"), pool=pool)


def test_the_jobs_taken_by_a_short_lived_process_are_requeued(store: Store) -> None:
    enqueue(store, "a")
    run(store, "a")
    enqueue(store, "b")
    store.run(advance("a", "p1.0", "p1.1"))
    Pool(build_worker(1, 2)).bury(store)
    assert record(store, "b").status is TaskStatus.RUNNING

    Pool(build_worker(2)).bury(store)  # which has never seen the other
    assert record(store, "b").status is TaskStatus.PENDING
    assert list_unacked(store) == []

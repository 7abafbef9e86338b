"""The command that ends the job of a pool process and claims its next one, on a real Valkey."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from project.records.record import TaskRecord, TaskStatus
from project.store.client import Store
from project.store.commands import attempts, claims, jobs, maintenance, queries, queues, workers
from project.store.commands.attempts import Verdict
from project.store.commands.claims import Claim, Claimant, Claims
from project.store.commands.command import Command
from project.store.commands.message import Message
from project.worker.pool.processes import PoolProcesses

LISTS = ["celery", "celery\x06\x163"]
PROCESS = Claimant("w", "p1.a")


@pytest.fixture(autouse=True)
def worker(store: Store) -> None:
    about: dict[str, Any] = {"host": "h", "pid": 1, "slots": 1, "started_at": 0, "kind:k": 1}
    store.run(workers.renew_lease("w", 60, about, first=True))


def enqueue(store: Store, job_id: str, queue: str = "celery", **headers: Any) -> None:
    plain = {"eta": None, "expires": None, "timelimit": [None, None], "retries": 0, "task": "k"}
    wire = {"content-type": "application/json", "headers": plain | {"id": job_id} | headers}
    store.run(jobs.enqueue(Message(job_id, "k", queue, json.dumps(wire), "[]", 3)))


def take(
    place: int,
    *,
    ends: str = "",
    lists: list[str] = LISTS,
    claimant: Claimant = PROCESS,
    **claimed: Any,
) -> Command[Claim]:
    """Claim number ``place`` of a process; ``ends``: the job of the claim before."""
    done = claimant.serial(place - 1)
    success = (
        attempts.succeed(ends, token=f"w#{done}", result="1", result_message="{}") if ends else None
    )
    return claims.take(
        claimant, Claims(lists, **claimed), place=place, done=done if ends else "", success=success
    )


def record(store: Store, job_id: str) -> TaskRecord:
    found = store.run(queries.read_record(job_id))
    assert found is not None
    return found


def list_unacked(store: Store) -> list[str]:
    return sorted(key.decode() for key in store.client.hkeys("continuo:unacked:w"))


def claimed_id(claim: Claim) -> str:
    assert claim.message, claim
    return str(json.loads(claim.message)["headers"]["id"])


def requeue_process(store: Store) -> None:
    """As the worker does when the process died."""
    assert store.run(workers.requeue_dead_process("w", "p1.", "it died")) == 2


def reap_worker(store: Store) -> None:
    """As another worker does when the lease of the first has ended."""
    store.client.zadd("continuo:workers", {"w": 1})
    store.client.hdel("continuo:heartbeat", "grace_until")
    store.run(maintenance.reap(60))


def test_one_job_ends_and_the_next_one_starts(store: Store) -> None:
    for job_id in "abc":
        enqueue(store, job_id)
    store.run(take(1))

    claim = store.run(take(2, ends="a"))

    assert (claim.verdict, claim.state, claimed_id(claim)) == (Verdict.APPLIED, "started", "b")
    assert record(store, "a").status is TaskStatus.SUCCESS
    assert (record(store, "b").status, record(store, "b").attempts) == (TaskStatus.RUNNING, 1)
    assert record(store, "c").status is TaskStatus.PENDING
    assert list_unacked(store) == ["p1.a.2"]
    assert claimed_id(store.run(take(3, ends="b"))) == "c"
    assert store.run(take(4, ends="c")) == Claim(Verdict.APPLIED, "", b"")
    assert list_unacked(store) == []


def test_a_claim_repeated_after_a_lost_answer_happens_once(store: Store) -> None:
    for job_id in "abc":
        enqueue(store, job_id)
    store.run(take(1))
    first = store.run(take(2, ends="a"))

    second = store.run(take(2, ends="a"))

    assert second == first._replace(verdict=Verdict.REPEATED)
    assert record(store, "c").status is TaskStatus.PENDING
    assert list_unacked(store) == ["p1.a.2"]


@pytest.mark.parametrize("late", [1, 2, 3])
def test_a_claim_that_arrives_late_takes_nothing(store: Store, late: int) -> None:
    for job_id in "abc":
        enqueue(store, job_id)
    commands = [take(1), take(2, ends="a"), take(3, ends="b")]
    for command in commands:
        store.run(command)
    store.run(take(4, ends="c"))
    enqueue(store, "d")

    claim = store.run(commands[late - 1])

    assert (claim.state, claim.message) == ("", b"")
    assert record(store, "d").status is TaskStatus.PENDING
    assert list_unacked(store) == []


def test_lists_are_read_in_order(store: Store) -> None:
    enqueue(store, "later", LISTS[1])
    enqueue(store, "first")

    assert claimed_id(store.run(take(1))) == "first"


@pytest.mark.parametrize(
    ("header", "state"),
    [
        ({"task": "other"}, "held"),
        ({"eta": "2026-01-01T00:00:00"}, "held"),
        ({"expires": "2026-01-01T00:00:00"}, "held"),
        ({"id": "nobody"}, "unknown"),
        ({"id": 5}, "unreadable"),
    ],
    ids=str,
)
def test_a_message_that_its_process_has_to_look_at_is_held(
    store: Store, header: dict[str, Any], state: str
) -> None:
    enqueue(store, "b", **header)

    claim = store.run(take(1))

    assert claim.state == state
    assert store.run(take(1)) == claim._replace(state="held" if state == "unknown" else state)
    assert record(store, "b").status is TaskStatus.PENDING
    assert list_unacked(store) == ["p1.a.1"]


def test_stamped_messages_are_held_when_stamps_were_revoked(store: Store) -> None:
    enqueue(store, "a", stamps={"batch": ["7"]})
    enqueue(store, "b", stamps={"batch": ["7"]})

    assert store.run(take(1)).state == "started"
    assert store.run(take(2, ends="a", stamps=True)).state == "held"


def test_outdated_messages_are_dropped(store: Store) -> None:
    enqueue(store, "a", retries=1)
    enqueue(store, "b")
    store.run(attempts.cancel("b"))
    enqueue(store, "c")

    assert claimed_id(store.run(take(1))) == "c"
    assert store.client.llen("celery") == 0
    assert list_unacked(store) == ["p1.a.1"]


def test_after_many_outdated_messages_the_process_asks_again(store: Store) -> None:
    for number in range(50):
        enqueue(store, f"old{number}", retries=1)
    enqueue(store, "new")

    assert store.run(take(1)).state == "again"
    assert claimed_id(store.run(take(2))) == "new"


def test_a_second_suspect_waits_while_one_runs(store: Store) -> None:
    for job_id in "ab":
        enqueue(store, job_id)
        store.client.hset(f"continuo:job:{job_id}", "deaths", "1")

    assert store.run(take(1)).state == "started"
    assert store.run(take(1, claimant=Claimant("w", "p2.a"))).state == "busy"


def test_a_worker_that_signed_off_takes_nothing_more(store: Store) -> None:
    enqueue(store, "b")

    store.run(workers.sign_off("w"))

    assert store.run(take(1)).state == ""
    assert record(store, "b").status is TaskStatus.PENDING


def test_a_process_that_finishes_only_ends_its_job(store: Store) -> None:
    enqueue(store, "a")
    enqueue(store, "b")
    store.run(take(1))
    success = attempts.succeed("a", token="w#p1.a.1", result="1", result_message="{}")

    claim = store.run(claims.take(PROCESS, None, done="p1.a.1", success=success, is_last=True))

    assert claim == Claim(Verdict.APPLIED, "", b"")
    assert record(store, "a").status is TaskStatus.SUCCESS
    assert record(store, "b").status is TaskStatus.PENDING
    assert not [key for key in store.client.hkeys("continuo:worker:w") if b"place" in key]


def test_an_attempt_that_lost_its_job_does_not_end_it(store: Store) -> None:
    enqueue(store, "a")
    store.run(take(1, claimant=Claimant("w", "p2.a")))

    assert store.run(take(2, ends="a")).verdict is Verdict.REFUSED
    assert record(store, "a").status is TaskStatus.RUNNING


def test_only_the_jobs_claimed_by_the_dead_process_are_requeued(store: Store) -> None:
    enqueue(store, "b")
    enqueue(store, "c")
    store.run(take(1))
    store.run(workers.fetch("w", serial=5, most=1, done=[], lists=LISTS))
    assert list_unacked(store) == ["5", "p1.a.1"]
    assert store.run(workers.requeue_dead_process("w", "p1.", "it died")) == 1
    assert list_unacked(store) == ["5"]

    back = record(store, "b")
    assert (back.status, back.attempts, back.interruptions) == (TaskStatus.PENDING, 0, 1)
    assert store.run(workers.requeue_dead_process("w", "p1.", "it died")) == 0
    assert record(store, "b").interruptions == 1


@pytest.mark.parametrize("requeue", [requeue_process, reap_worker])
def test_the_jobs_of_a_dead_process_that_ran_several_run_side_by_side_again(
    store: Store, requeue: Callable[[Store], object]
) -> None:
    enqueue(store, "a")
    enqueue(store, "b")
    store.run(take(1))
    store.run(take(2))

    requeue(store)

    assert [store.client.hget(f"continuo:job:{job}", "deaths") for job in "ab"] == [b"0.125"] * 2
    about: dict[str, Any] = {"slots": 1, "kind:k": 1}
    store.run(workers.renew_lease("v", 60, about, first=True))
    assert store.run(take(1, claimant=Claimant("v", "p2.a"))).state == "started"
    assert store.run(take(2, claimant=Claimant("v", "p2.a"))).state == "started"


def test_after_a_lost_connection_processes_keep_the_jobs_they_claimed(store: Store) -> None:
    enqueue(store, "b")
    enqueue(store, "c")
    store.run(take(1))

    store.run(workers.fetch("w", serial=5, most=1, done=[], lists=LISTS))

    assert store.run(workers.requeue_unstarted("w", [])) == 1
    assert list_unacked(store) == ["p1.a.1"]
    assert record(store, "b").status is TaskStatus.RUNNING


def test_nothing_is_taken_from_a_paused_queue(store: Store) -> None:
    enqueue(store, "b")
    enqueue(store, "c", queue="slow")
    store.run(queues.pause("celery"))

    assert claimed_id(store.run(take(1, lists=[*LISTS, "slow"]))) == "c"
    assert store.run(take(2, ends="c")).state == ""
    assert record(store, "b").status is TaskStatus.PENDING


def test_a_message_from_before_a_rerun_is_dropped(store: Store) -> None:
    enqueue(store, "b")
    store.run(attempts.cancel("b"))
    store.run(jobs.rerun(Message("b", "k", "other", "{}", "[]", 3), attempts=0, rerun_id="now"))

    assert store.run(take(1)).state == ""
    assert record(store, "b").status is TaskStatus.PENDING
    assert store.client.llen("celery") == 0


def build_worker(*pids: int) -> Any:
    """As much of a worker as ``PoolProcesses`` asks about, with these processes alive."""
    living = [SimpleNamespace(pid=pid, exitcode=None) for pid in pids]
    pool = SimpleNamespace(living=lambda: living)
    return SimpleNamespace(app=SimpleNamespace(worker_id="w"), pool=pool)


def test_the_jobs_claimed_by_a_short_lived_process_are_requeued(store: Store) -> None:
    enqueue(store, "b")
    store.run(take(1))
    PoolProcesses(build_worker(1, 2)).requeue_dead(store)
    assert record(store, "b").status is TaskStatus.RUNNING

    PoolProcesses(build_worker(2)).requeue_dead(store)  # has never seen process 1

    assert record(store, "b").status is TaskStatus.PENDING
    assert list_unacked(store) == []


def test_a_late_acknowledgement_of_a_replaced_attempt_brings_no_message_back(store: Store) -> None:
    store.run(workers.renew_lease("w", 60, {"slots": 1}, first=True))
    text = '{"headers": {"id": "a", "task": "k", "retries": 0}}'
    store.run(jobs.enqueue(Message("a", "k", "celery", text, "[]", 3)))
    for serial in (1, 2):
        store.run(workers.fetch("w", serial=serial, most=1, done=[], lists=["celery"]))
        store.run(attempts.start("a", retries=0, token=f"w#{serial}"))
        again = Message("a", "k", "celery", text, "[]", 3)
        store.run(jobs.replace("a", token=f"w#{serial}", messages=[again]))

    store.run(workers.ack("w", ["1", "2"]))

    assert store.client.llen("celery") == 1

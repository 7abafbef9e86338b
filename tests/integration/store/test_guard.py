"""Each invariant of records, broken by hand in Redis, is seen and mended."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from project.messages.builder import list_keys_beside
from project.records.record import TaskRecord, TaskStatus
from project.store.client import Store
from project.store.commands import attempts, claims, guard, jobs, statistics, workers
from project.store.commands.attempts import Verdict
from project.store.commands.claims import Claimant, Claims
from project.store.commands.guard import Fault, WaitingJob, WorkerReport
from project.store.commands.message import Message
from project.worker.upkeep import guard as rounds
from project.worker.upkeep.guard import Guard
from tests.support import job_commands

PROCESS = Claimant("w", "p1.a")
LOST = "MessageLost: {}; the job did not end, and can be run again"


@pytest.fixture(autouse=True)
def worker(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "UNCHANGED_SECONDS", 0.0)
    about: dict[str, Any] = {"host": "h", "pid": 1, "slots": 1, "kind:k": "late"}
    store.run(workers.renew_lease("w", 60, about, first=True))


def enqueue(store: Store, job_id: str, queue: str = "celery", due: float | None = None) -> None:
    text = json.dumps({"headers": {"id": job_id, "task": "k", "retries": 0}})
    store.run(jobs.enqueue(Message(job_id, "k", queue, text, "[]", 3, due)))


def take(store: Store, place: int, claimant: Claimant = PROCESS) -> None:
    claim = store.run(claims.take(claimant, Claims(["celery"]), place=place))
    assert claim.state == "started"


def say(store: Store, number: int, *running: str, settled: int = 0, as_of: float = 0.0) -> float:
    """The worker reports what it runs."""
    time_now = store.run(guard.report("w", 0, WorkerReport(0.0, [], {})))
    about = WorkerReport(as_of or time_now, list(running), {"p1.a": settled})
    return store.run(guard.report("w", number, about))


def record(store: Store, job_id: str) -> TaskRecord:
    return job_commands.record(store, job_id)


def mended(store: Store) -> dict[str, int]:
    (found,) = store.run(statistics.read_counters()).queue_stats
    return {how: count for how, count in found.mended.items() if count}


def test_jobs_that_have_what_their_state_demands_are_left_alone(store: Store) -> None:
    for job_id in ("running", "waiting", "done"):
        enqueue(store, job_id)
    enqueue(store, "due later", due=time.time() + 600)
    take(store, 1)
    say(store, 1, "p1.a.1", settled=1)
    store.run(attempts.cancel("done"))

    assert Guard(store).check() == []
    statuses = [record(store, job_id).status for job_id in ("running", "waiting", "due later")]
    assert statuses == ["running", "pending", "pending"]


def test_a_running_job_that_its_live_worker_does_not_run_runs_again(store: Store) -> None:
    enqueue(store, "a")
    take(store, 1)

    say(store, 1, settled=2)

    faults = Guard(store).check()
    assert faults == []  # the second round finds no fault any more
    assert (record(store, "a").status, record(store, "a").interruptions) == ("pending", 1)
    assert store.client.llen("celery") == 1
    assert store.client.hlen("continuo:unacked:w") == 0
    assert mended(store) == {"requeued": 1}


@pytest.mark.parametrize(
    ("process", "settled", "as_of", "running"),
    [("p1.a", 1, 0.0, ()), ("p1.a", 2, 0.0, ("p1.a.1",)), ("p2.b", 2, 1.0, ())],
    ids=["a claim that is not over", "a running job", "a job that began after the report"],
)
def test_a_job_that_its_worker_may_run_is_left_alone(
    store: Store, process: str, settled: int, as_of: float, running: tuple[str, ...]
) -> None:
    enqueue(store, "a")
    take(store, 1, Claimant("w", process))

    say(store, 1, *running, settled=settled, as_of=as_of)

    assert Guard(store).check() == []
    assert record(store, "a").status is TaskStatus.RUNNING


def test_a_report_from_before_the_clock_was_set_back_says_nothing(store: Store) -> None:
    enqueue(store, "a")
    take(store, 1, Claimant("w", "p2.b"))

    say(store, 1, as_of=time.time() + 300)

    assert Guard(store).check() == []
    assert record(store, "a").status is TaskStatus.RUNNING


def test_a_report_that_comes_late_changes_nothing(store: Store) -> None:
    enqueue(store, "a")
    take(store, 1)
    say(store, 2, "p1.a.1", settled=1)

    say(store, 1, settled=2)

    assert Guard(store).check() == []
    assert record(store, "a").status is TaskStatus.RUNNING


def test_a_running_job_whose_worker_is_gone_runs_again(store: Store) -> None:
    enqueue(store, "a")
    take(store, 1)

    store.client.zrem("continuo:workers", "w")

    Guard(store).check()
    assert record(store, "a").status is TaskStatus.PENDING
    assert store.client.llen("celery") == 1


def test_a_message_that_a_live_worker_forgot_is_given_back(store: Store) -> None:
    enqueue(store, "a")
    take(store, 1)
    store.client.hset("continuo:job:a", mapping={"status": "pending", "attempts": 0, "token": ""})
    store.client.zrem("continuo:index:k@celery:running", "a")
    store.client.zadd("continuo:index:k@celery:pending", {"a": 1})
    say(store, 1, settled=1)
    assert Guard(store).check() == []
    assert store.client.hlen("continuo:unacked:w") == 1

    say(store, 2, settled=2)
    Guard(store).check()

    assert (store.client.hlen("continuo:unacked:w"), store.client.llen("celery")) == (0, 1)
    assert mended(store) == {"requeued": 1}


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        ("w#p1.a.1", "its worker does not run it"),
        ("gone#p1.a.1", "its worker is gone"),
        ("", "it runs and has no worker"),
    ],
)
def test_a_running_job_that_nobody_runs_and_without_a_message_fails(
    store: Store, token: str, fault: str
) -> None:
    enqueue(store, "a")
    take(store, 1)
    say(store, 1, settled=2)
    store.client.hdel("continuo:unacked:w", "p1.a.1")
    store.client.hset("continuo:job:a", "token", token)

    Guard(store).check()

    assert (record(store, "a").status, record(store, "a").error) == ("failed", LOST.format(fault))
    assert mended(store) == {"failed": 1}


@pytest.mark.parametrize("status", ["pending", "retrying"])
def test_a_waiting_job_whose_message_is_nowhere_fails(store: Store, status: str) -> None:
    enqueue(store, "a")
    enqueue(store, "b")
    if status == "retrying":
        take(store, 1)
        job_commands.retry(store, "a", token="w#p1.a.1", delay=0)
        store.run(workers.ack("w", ["p1.a.1"]))
        store.client.zrem("continuo:scheduled", "a")
        store.client.hdel("continuo:job:a", "message", "message_list")
    else:
        store.client.rpop("celery")

    faults = Guard(store).check()

    assert faults == [Fault("a", "it waits and its message is nowhere", "failed")]
    assert record(store, "a").error == LOST.format("its message is nowhere")
    assert record(store, "b").status is TaskStatus.PENDING


def test_a_delayed_job_that_is_not_in_the_schedule_runs(store: Store) -> None:
    enqueue(store, "a", due=time.time() + 600)
    store.client.zrem("continuo:scheduled", "a")

    faults = Guard(store).check()

    assert faults == [Fault("a", "it waits and its message is nowhere", "requeued")]
    assert store.client.zscore("continuo:scheduled", "a") <= time.time() + 1


def test_messages_are_found_wherever_they_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MESSAGES_PER_STEP", 2)
    monkeypatch.setattr(rounds, "NEAR_MESSAGES", 2)
    monkeypatch.setattr(rounds, "JOBS_PER_STEP", 3)
    for number in range(9):
        enqueue(store, f"job-{number}")
    enqueue(store, "prior", queue="mine")
    store.client.rename("mine", "mine\x06\x169")
    enqueue(store, "held", queue="other")
    store.run(workers.fetch("w", serial=1, most=1, done=[], lists=["other"]))

    assert Guard(store).check() == []


def test_a_long_queue_is_not_read_for_a_job_that_goes_on_meanwhile(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "MESSAGES_PER_STEP", 2)
    monkeypatch.setattr(rounds, "NEAR_MESSAGES", 2)
    for number in range(20):
        enqueue(store, f"job-{number}")
    suspects = {"begun": WaitingJob("begun", "1.0", "celery", "")}
    store.client.config_resetstat()

    for _ in Guard(store)._look_for_messages(suspects):  # noqa: SLF001 - a moment in the middle
        pass

    assert suspects == {}
    reads = store.client.info("commandstats")["cmdstat_lrange"]["calls"]
    assert reads == len(list_keys_beside("celery"))


def test_a_replaced_job_waits_without_a_message(store: Store) -> None:
    enqueue(store, "a")
    take(store, 1)
    step = Message("step", "k", "celery", '{"headers": {"id": "step", "task": "k"}}', "[]", 3, None)
    assert store.run(jobs.replace("a", token="w#p1.a.1", messages=[step])) is Verdict.APPLIED
    say(store, 1, settled=2)

    assert Guard(store).check() == []
    assert record(store, "a").status == "pending"


def test_one_round_alone_changes_nothing_that_waits(store: Store) -> None:
    enqueue(store, "a")
    store.client.rpop("celery")
    watch = Guard(store)

    for _ in watch.steps():
        pass

    assert (watch.faults, record(store, "a").status) == ([], TaskStatus.PENDING)


def test_one_worker_at_a_time_makes_the_rounds(store: Store) -> None:
    assert store.run(guard.lead("one", 30))

    assert not store.run(guard.lead("two", 30))
    assert store.run(guard.lead("one", 30))


@pytest.fixture
def expired(store: Store, monkeypatch: pytest.MonkeyPatch) -> Guard:
    """Who makes a round of several steps, after the first of which the right to it has expired."""
    monkeypatch.setattr(rounds, "JOBS_PER_STEP", 1)
    for number in range(3):
        enqueue(store, f"job-{number}")
    watch = Guard(store, "one")
    watch.work()
    store.client.delete("continuo:guard")
    return watch


def test_who_makes_a_long_round_stays_the_one(store: Store, expired: Guard) -> None:
    pause = expired.work()

    assert pause == rounds.PAUSE_SECONDS
    assert not store.run(guard.lead("two", 30))


def test_who_is_no_longer_the_one_ends_its_round(store: Store, expired: Guard) -> None:
    store.run(guard.lead("two", 30))

    assert expired.work() == rounds.ROUND_SECONDS


def test_the_rounds_go_on_after_an_error_and_mend_within_a_minute(store: Store) -> None:
    enqueue(store, "a")
    store.client.rpop("celery")
    watch = Guard(store, "w")
    watch._steps = (1 / 0 for _ in range(1))  # noqa: SLF001
    with pytest.raises(ZeroDivisionError):
        watch.work()

    seconds = 0.0
    while seconds < 60 and not record(store, "a").is_final:
        seconds += max(watch.work(), 0.001)

    assert record(store, "a").status is TaskStatus.FAILED
    assert seconds < 60


@pytest.mark.parametrize("is_elsewhere", [True, False])
def test_the_message_of_a_refused_success_is_kept_if_the_job_waits(
    store: Store, is_elsewhere: bool
) -> None:
    enqueue(store, "a")
    take(store, 1)
    store.run(attempts.interrupt("a", token="w#p1.a.1"))
    if is_elsewhere:  # another process runs it by now
        entry = store.client.hget("continuo:unacked:w", "p1.a.1")
        store.client.lpush("celery", entry.partition(b"\n")[2])
        take(store, 1, Claimant("w", "p2.a"))
    success = attempts.succeed("a", token="w#p1.a.1", result="1", result_message="{}")

    claim = store.run(claims.take(PROCESS, None, done="p1.a.1", success=success))

    held = store.client.hkeys("continuo:unacked:w")
    assert claim.verdict is Verdict.REFUSED
    assert held == ([b"p2.a.1"] if is_elsewhere else [])
    assert store.client.llen("celery") == (0 if is_elsewhere else 1)


def acknowledge(store: Store) -> None:
    store.run(workers.ack("w", ["1"]))


def acknowledge_and_fetch(store: Store) -> None:
    store.run(workers.fetch("w", serial=2, most=0, done=["1"], lists=["celery"]))


def acknowledge_and_take(store: Store) -> None:
    store.run(claims.take(PROCESS, None, done="1"))


@pytest.mark.parametrize("acknowledge", [acknowledge, acknowledge_and_fetch, acknowledge_and_take])
@pytest.mark.parametrize("is_started", [False, True])
def test_the_ack_of_a_job_whose_end_redis_forgot_gives_its_message_back(
    store: Store, acknowledge: Callable[[Store], None], is_started: bool
) -> None:
    enqueue(store, "a")
    store.run(workers.fetch("w", serial=1, most=1, done=[], lists=["celery"]))
    if is_started:
        job_commands.start(store, "a", token="w#1")

    acknowledge(store)

    assert record(store, "a").status is TaskStatus.PENDING
    assert record(store, "a").interruptions == int(is_started)
    assert len(job_commands.list_messages(store)) == 1
    assert Guard(store).check() == []


def test_the_ack_before_an_early_job_runs_leaves_it_alone(store: Store) -> None:
    enqueue(store, "a")
    store.run(workers.fetch("w", serial=1, most=1, done=[], lists=["celery"]))
    store.run(attempts.start("a", retries=0, token="w#1", is_early=True))

    acknowledge(store)

    assert record(store, "a").status is TaskStatus.RUNNING
    assert job_commands.list_messages(store) == []

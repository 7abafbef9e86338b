"""Limits, decided by the script that takes, on a real Valkey."""

import time

import pytest

from project.errors import InvalidField
from project.records.limit import Limit, check_limit
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts, limits, maintenance, queries, queues, workers
from project.store.commands.attempts import StartResult
from tests.support.lane_workers import LISTS, PoolProcess, build_message, order, put, read
from tests.support.waiting import wait_until


@pytest.fixture
def process(store: Store) -> PoolProcess:
    return PoolProcess(store)


def list_keys(store: Store) -> set[str]:
    """What Redis keeps while limits hold something back, or count something."""
    for gate in store.client.zrange("continuo:limit_waits", 0, -1):
        store.client.zadd("continuo:limit_waits", {gate: 1})
    store.run(maintenance.promote(10))
    keys = {key.decode().removeprefix("continuo:") for key in store.client.keys("continuo:*")}
    marks = ("lanes:", "closed:", "waits:", "passed:", "laned", "limit_waits")
    return {key for key in keys if key.startswith(marks)}


@pytest.mark.parametrize(
    "about",
    [
        {"kind": "k"},
        {"queue": "celery"},
        {"lane": "x"},
        {"tag": "t"},
        {},
        {"kind": "k", "tag": "t"},
    ],
    ids=["kind", "queue", "lane", "tag", "all", "two"],
)
def test_no_more_jobs_run_than_a_limit_allows(
    store: Store, process: PoolProcess, about: dict[str, str]
) -> None:
    put(store, "two", concurrency=2, **about)
    for number in range(5):
        order(store, f"a{number}", lane="x", tags=("t",))

    assert process.take_all() == ["a0", "a1"]
    process.end("a0")

    assert process.take_all() == ["a2"]
    process.end("a1")
    process.end("a2")
    assert process.work() == ["a3", "a4"]
    assert list_keys(store) == set()


def test_a_limit_of_a_kind_holds_no_other_kind_of_the_lane_back(
    store: Store, process: PoolProcess
) -> None:
    put(store, "one", kind="k", concurrency=1)
    for number in range(3):
        order(store, f"k{number}", lane="x")
        order(store, f"other{number}", kind="other", lane="x")

    taken = process.take_all()

    assert taken == ["k0", "other0", "other1", "other2"]
    assert (read(store, "k1").held_by, read(store, "k2").held_by) == ("one", "one")
    process.end("k0")
    assert process.take_all() == ["k1"]
    process.end("k1")
    assert process.take_all() == ["k2"]
    assert read(store, "k2").held_by == ""


def test_a_job_that_comes_later_does_not_overtake_those_that_a_limit_held_back(
    store: Store, process: PoolProcess
) -> None:
    put(store, "one", kind="k", concurrency=1)
    for job_id in ("k0", "k1"):
        order(store, job_id)
    process.take_all()
    order(store, "k2")
    process.end("k0")

    assert process.work() == ["k1", "k2"]


def test_each_lane_has_a_limit_of_its_own(store: Store, process: PoolProcess) -> None:
    put(store, "one", each="lane", concurrency=1)
    for lane in "ab":
        for number in range(2):
            order(store, f"{lane}{number}", lane=lane)
    order(store, "plain")

    assert sorted(process.take_all()) == ["a0", "b0", "plain"]
    found = store.run(limits.list_limits())["one"]
    process.end("a0")

    assert process.take_all() == ["a1"]
    assert (found.running, found.lanes_held, found.jobs_held) == (3, 2, 2)


def test_all_limits_must_agree(store: Store, process: PoolProcess) -> None:
    put(store, "each", each="lane", concurrency=1)
    put(store, "together", concurrency=2)
    for lane in "abc":
        for number in range(2):
            order(store, f"{lane}{number}", lane=lane)

    first = process.take_all()
    process.end(first[0])

    assert len({job_id[0] for job_id in first}) == 2
    assert len(process.take_all()) == 1
    while process.running:
        process.end(process.running[0][0])
        process.take_all()
    assert all(
        read(store, f"{lane}{number}").status is TaskStatus.SUCCESS
        for lane in "abc"
        for number in range(2)
    )


def test_a_limit_for_all_lanes_lets_them_take_turns(store: Store, process: PoolProcess) -> None:
    put(store, "one", concurrency=1)
    for lane in "abc":
        for number in range(3):
            order(store, f"{lane}{number}", lane=lane)
    other, done = PoolProcess(store, "other"), []

    while job_id := process.take():
        assert other.take() == ""
        process.end(job_id)
        done.append(job_id)

    assert len(done) == 9
    assert {job_id[0] for job_id in done[:4]} == {"a", "b", "c"}


def test_what_a_dead_worker_ran_is_free(store: Store, process: PoolProcess) -> None:
    put(store, "one", kind="k", concurrency=1)
    order(store, "a")
    dying = PoolProcess(store, "dying")
    assert (dying.take(), process.take()) == ("a", "")

    dying.die()

    assert process.take() == "a"
    process.end("a")
    assert list_keys(store) == set()


@pytest.mark.parametrize("end", ["cancel", "fail", "retry", "postpone"])
def test_any_end_of_an_attempt_frees_its_place(
    store: Store, process: PoolProcess, end: str
) -> None:
    put(store, "one", queue="celery", concurrency=1)
    for job_id in "ab":
        order(store, job_id)
    assert process.take_all() == ["a"]
    token, again = "w#p1.a.1", build_message("a")
    ends = {
        "cancel": lambda: store.run(attempts.end_cancelled("a", token=token)),
        "fail": lambda: store.run(
            attempts.fail(
                "a",
                token=token,
                status=TaskStatus.FAILED,
                error="e",
                exception="{}",
                result_message="{}",
            )
        ),
        "retry": lambda: store.run(
            attempts.retry("a", token=token, error="e", delay=60, message=again)
        ),
        "postpone": lambda: store.run(attempts.postpone("a", token=token, delay=60, message=again)),
    }

    ends[end]()

    assert process.take() == "b"


def test_a_new_limit_counts_the_jobs_that_run_already(store: Store, process: PoolProcess) -> None:
    for job_id in "abc":
        order(store, job_id)
    assert [process.take(), process.take()] == ["a", "b"]

    put(store, "two", kind="k", concurrency=2)

    assert process.take() == ""
    process.end("a")
    assert process.take() == "c"


def test_a_wider_limit_lets_go_what_it_held(store: Store, process: PoolProcess) -> None:
    put(store, "some", concurrency=0)
    for lane in "abc":
        order(store, lane, lane=lane)
    assert process.take() == ""

    put(store, "some", concurrency=2)

    assert len(process.take_all()) == 2


def test_a_limit_that_is_gone_holds_nothing(store: Store, process: PoolProcess) -> None:
    put(store, "none", kind="k", concurrency=0)
    for number in range(20):
        order(store, f"job{number}", lane=f"lane{number % 3}")
    assert process.take_all() == []

    assert store.run(limits.delete_limit("none"))

    done = process.work()
    assert len(done) == 20
    for lane in range(3):
        mine = [job_id for job_id in done if int(job_id[3:]) % 3 == lane]
        assert mine == sorted(mine, key=lambda job_id: int(job_id[3:]))
    assert list_keys(store) == set()


def test_a_rate_lets_no_more_start(store: Store, process: PoolProcess) -> None:
    put(store, "slow", kind="k", rate="20/s", burst=3)
    for number in range(10):
        order(store, f"a{number}")
    began, starts = time.monotonic(), []

    while len(starts) < 10 and time.monotonic() < began + 10:
        claim = process.ask()
        if claim.message:
            starts.append(time.monotonic() - began)
        elif claim.wait:
            assert claim.wait <= 0.051

    assert len(starts) == 10
    assert starts[2] < 0.05
    assert starts[9] >= 7 / 20 - 0.01
    assert starts[9] < 7 / 20 + 0.5


def test_maintenance_opens_lanes_when_a_rate_allows_it(store: Store, process: PoolProcess) -> None:
    put(store, "slow", rate="10/s")
    order(store, "a")
    order(store, "b")
    assert process.take_all() == ["a"]

    waits = store.run(maintenance.promote(10)).next_in

    assert waits is not None
    assert 0 < waits <= 0.1
    wait_until(lambda: store.run(maintenance.promote(10)).next_in is None)
    assert store.client.llen("continuo:wakeup:celery") == 1
    assert process.take() == "b"


def test_a_full_bucket_holds_no_more_than_its_burst(store: Store, process: PoolProcess) -> None:
    put(store, "slow", rate="1/h", burst=2)
    for job_id in "abc":
        order(store, job_id)

    assert process.take_all() == ["a", "b"]
    assert read(store, "c").held_by == "slow"


def test_a_job_that_was_fetched_goes_back_when_a_limit_holds_it(store: Store) -> None:
    PoolProcess(store)
    put(store, "one", concurrency=1)
    for job_id in "ab":
        order(store, job_id, lane="x")
    store.run(workers.fetch("w", serial=1, most=2, done=[], lists=LISTS))

    answers = [
        store.run(attempts.start(job_id, retries=0, token=f"w#{serial}"))
        for serial, job_id in enumerate("ab", 1)
    ]

    assert answers == [StartResult.STARTED, StartResult.LIMITED]
    assert store.client.hkeys("continuo:unacked:w") == [b"1"]
    assert store.client.llen("celery\x06\x160\x06x") == 1


def test_a_cancelled_job_is_not_held_for_ever(store: Store, process: PoolProcess) -> None:
    put(store, "one", kind="k", concurrency=1)
    for job_id in "abc":
        order(store, job_id, lane="x")
    process.take_all()
    store.run(attempts.cancel("b"))

    process.end("a")

    assert process.take() == "c"


def test_a_purge_takes_what_limits_hold(store: Store, process: PoolProcess) -> None:
    put(store, "none", kind="k", concurrency=0)
    put(store, "none-either", kind="other", concurrency=0)
    for number in range(4):
        order(store, f"a{number}", kind="k" if number % 2 else "other", lane="x")
    process.take_all()

    assert store.run(queues.list_queues())[0].waiting == 4
    assert store.run(queues.purge("celery", 100)) == 4
    assert store.run(queues.list_queues())[0].waiting == 0


@pytest.mark.parametrize("lane", ["x", ""])
def test_a_job_slows_its_lane_down_and_no_other(
    store: Store, process: PoolProcess, lane: str
) -> None:
    for number in range(3):
        order(store, f"a{number}", lane=lane)
        order(store, f"b{number}", lane="other")
    assert set(process.take_all()[:2]) == {"a0", "b0"}
    process.end("a1")
    order(store, "a3", lane=lane)
    serial = dict(process.running)["a0"]
    slow = attempts.postpone(
        "a0", token=f"w#{serial}", delay=0.2, message=build_message("a0"), slows_lane=True
    )
    assert store.run(slow) is attempts.Verdict.APPLIED
    process.acknowledge(serial)
    order(store, "b3", lane="other")

    claims = [process.ask() for _ in range(2)]

    assert "b3" in claims[0].message.decode()
    assert claims[1].state == ""
    assert claims[1].wait
    assert 0 < claims[1].wait <= 0.2
    shown = store.run(queries.read_with_estimate("a3"))
    assert shown
    assert shown.held_by == "slow_down"
    assert store.run(queues.list_queues())[0].held_lanes == 1
    wait_until(process.take)
    assert process.running[-1][0] == "a0"
    assert process.take() == "a3"


def test_a_limit_is_changed_only_from_the_revision_that_is_expected(store: Store) -> None:
    limit = check_limit("one", Limit(concurrency=1))
    first = store.run(limits.put_limit("one", limit, revision=0))
    assert first

    assert store.run(limits.put_limit("one", limit, revision=0)) is None
    assert store.run(limits.delete_limit("one", revision=first + 1)) is None
    assert store.run(limits.put_limit("one", limit, revision=first)) == first + 1
    assert store.run(limits.delete_limit("one", revision=first + 1))
    assert store.run(limits.delete_limit("one")) == 0
    assert store.run(limits.list_limits()) == {}


@pytest.mark.parametrize(
    ("name", "about", "field"),
    [
        ("a b", {"concurrency": 1}, "name"),
        ("-a", {"concurrency": 1}, "name"),
        ("a", {"kind": "k"}, "concurrency"),
        ("a", {"rate": "0/s"}, "rate"),
        ("a", {"concurrency": 1, "burst": 1}, "burst"),
        ("a", {"weight": 2}, "weight"),
    ],
    ids=["space", "minus", "nothing", "no rate", "burst alone", "weight alone"],
)
def test_a_limit_that_says_less_than_it_must_is_refused(
    name: str, about: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        check_limit(name, Limit(**about))  # type: ignore[arg-type]

    assert refused.value.field == field

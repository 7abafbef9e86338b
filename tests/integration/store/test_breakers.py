"""Breakers: a kind whose attempts fail is held back, then tried with one job, on a real Valkey."""

import json
from typing import Any

import pytest

from project.errors import InvalidField
from project.records.breaker import Breaker
from project.records.record import EventFilter, TaskStatus
from project.store.client import Store
from project.store.commands import attempts, breakers, events, maintenance, statistics, switches
from tests.support.lane_workers import PoolProcess, build_message, order, read
from tests.support.waiting import wait_until

HALF = Breaker(share=0.5, of=4, within=60, hold=30)
NAME = "breaker:k"


@pytest.fixture
def process(store: Store) -> PoolProcess:
    return PoolProcess(store)


def set_breaker(store: Store, breaker: Breaker = HALF) -> None:
    assert store.run(breakers.put_breaker("k", breaker))


def fail(process: PoolProcess, job_id: str, how: str = "failed") -> None:
    """Let the attempt of a job end without success."""
    serial = dict(process.running)[job_id]
    token = f"{process.claimant.worker}#{serial}"
    again = build_message(job_id, retries=1)
    commands: dict[str, Any] = {
        "failed": attempts.fail(
            job_id,
            token=token,
            status=TaskStatus.FAILED,
            error="e",
            exception="{}",
            result_message="{}",
        ),
        "retrying": attempts.retry(job_id, token=token, error="e", delay=60, message=again),
        "postponed": attempts.postpone(job_id, token=token, delay=60, message=again),
    }
    process.store.run(commands[how])
    process.running.remove((job_id, serial))
    process.acknowledge(serial)


def run(store: Store, process: PoolProcess, ends: str) -> None:
    """Order and run a job for each letter: s(uccess), f(ailed), r(etrying) or p(ostponed)."""
    for number, end in enumerate(ends):
        job_id = f"{ends}{number}"
        order(store, job_id)
        assert process.take() == job_id
        if end == "s":
            process.end(job_id)
        else:
            fail(process, job_id, {"f": "failed", "r": "retrying", "p": "postponed"}[end])


def is_open(store: Store) -> bool:
    return NAME in store.run(switches.list_switches())


def let_hold_pass(store: Store) -> None:
    """As if the time of the open breaker were over."""
    stored = json.loads(store.client.hget("continuo:limits", NAME) or b"{}") | {"until_at": 1}
    store.client.hset("continuo:limits", NAME, json.dumps(stored))
    store.client.hset("continuo:limits_by", "kind:k", json.dumps([stored]))
    store.client.zadd("continuo:limit_waits", {NAME: 1})
    store.run(maintenance.promote(10))


@pytest.mark.parametrize(
    ("ends", "opens"),
    [
        ("ffss", False),
        ("sfsf", True),
        ("srrs", False),
        ("ssrr", True),
        ("fff", False),
        ("sppffs", False),
    ],
)
def test_a_kind_is_held_back_when_the_share_of_failures_is_reached(
    store: Store, process: PoolProcess, ends: str, opens: bool
) -> None:
    set_breaker(store)

    run(store, process, ends)

    assert is_open(store) is opens
    order(store, "next")
    order(store, "another", kind="other")
    assert set(process.take_all()) == ({"another"} if opens else {"next", "another"})


def test_failures_that_lie_far_apart_do_not_open_it(store: Store, process: PoolProcess) -> None:
    set_breaker(store)
    run(store, process, "sff")
    outcomes = store.client.lrange("continuo:outcomes:k", 0, -1)
    store.client.lset("continuo:outcomes:k", -1, b"0 " + str(float(outcomes[-1][2:]) - 61).encode())

    run(store, process, "f")

    assert not is_open(store)


def test_one_job_is_tried_at_a_time_and_a_success_lets_all_go_on(
    store: Store, process: PoolProcess
) -> None:
    set_breaker(store)
    run(store, process, "ffff")
    for job_id in "abc":
        order(store, job_id)
    assert process.take_all() == []
    assert read(store, "a").held_by == NAME

    let_hold_pass(store)

    assert process.take_all() == ["a"]
    process.end("a")
    assert not is_open(store)
    assert process.take_all() == ["b", "c"]


def test_a_failure_of_the_tried_job_holds_the_kind_again(
    store: Store, process: PoolProcess
) -> None:
    set_breaker(store)
    run(store, process, "ffff")
    order(store, "a")
    order(store, "b")
    assert process.take_all() == []
    let_hold_pass(store)
    assert process.take_all() == ["a"]

    fail(process, "a")

    assert process.take_all() == []
    assert store.run(switches.list_switches())[NAME].switch.until != 1
    let_hold_pass(store)
    assert process.work() == ["b"]


def test_a_tried_job_that_neither_fails_nor_succeeds_lets_another_try(
    store: Store, process: PoolProcess
) -> None:
    set_breaker(store)
    run(store, process, "ffff")
    order(store, "a")
    order(store, "b")
    assert process.take_all() == []
    let_hold_pass(store)
    assert process.take_all() == ["a"]

    fail(process, "a", "postponed")

    assert process.work() == ["b"]
    assert not is_open(store)


def test_jobs_that_ran_when_it_opened_do_not_change_it(store: Store, process: PoolProcess) -> None:
    set_breaker(store)
    order(store, "long")
    assert process.take() == "long"
    run(store, process, "ffff")

    process.end("long")

    assert is_open(store)


def test_it_opens_and_closes_by_itself(store: Store, process: PoolProcess) -> None:
    set_breaker(store, Breaker(share=1, of=1, hold=0.3))
    run(store, process, "f")
    order(store, "a")
    assert process.take() == ""

    wait_until(process.take)
    process.end("a")

    assert not is_open(store)
    stats = store.run(statistics.read_counters()).queue_stats
    assert [each.breaker_trips for each in stats] == [1]
    page = store.run(events.replay("0-0", EventFilter(), most=100))
    assert [each.event.breaker for each in page.events if each.event.breaker] == ["open", "closed"]


def test_a_kind_without_a_breaker_any_more_is_let_go(store: Store, process: PoolProcess) -> None:
    set_breaker(store)
    run(store, process, "ffff")

    assert store.run(breakers.delete_breaker("k"))

    run(store, process, "ffffs")
    assert store.client.exists("continuo:breakers", "continuo:outcomes:k", "continuo:limits") == 0


def test_a_breaker_says_where_it_stands(store: Store, process: PoolProcess) -> None:
    breaker = Breaker(share=1 / 3, of=5, hold=0.1 + 0.2)
    revision = store.run(breakers.put_breaker("k", breaker, declared=True))
    run(store, process, "sfs")

    closed = store.run(breakers.list_breakers())["k"]

    assert closed == (breaker, revision, True, "closed", None, 3, 1)
    run(store, process, "ff")
    opened = store.run(breakers.list_breakers("k"))["k"]
    assert (opened.stage, opened.attempts) == ("open", 0)
    assert opened.until == store.run(switches.list_switches())[NAME].switch.until
    let_hold_pass(store)
    assert store.run(breakers.list_breakers("k"))["k"].stage == "trying"
    assert store.run(breakers.list_breakers("other")) == {}


def test_a_breaker_is_changed_only_from_the_revision_that_is_expected(store: Store) -> None:
    first = store.run(breakers.put_breaker("k", HALF, revision=0))
    assert first

    assert store.run(breakers.put_breaker("k", HALF, revision=0)) is None
    assert store.run(breakers.delete_breaker("k", revision=first + 1)) is None
    assert store.run(breakers.put_breaker("k", HALF, revision=first)) == first + 1
    assert store.run(breakers.delete_breaker("k", revision=first + 1)) == first + 1
    assert store.run(breakers.delete_breaker("k")) == 0


def test_a_changed_breaker_goes_on_with_what_it_holds_back(
    store: Store, process: PoolProcess
) -> None:
    set_breaker(store)
    run(store, process, "ffff")

    set_breaker(store, Breaker(share=1, of=1, hold=60))

    assert is_open(store)
    order(store, "a")
    assert process.take() == ""
    let_hold_pass(store)
    assert process.take() == "a"
    fail(process, "a")
    assert is_open(store)


@pytest.mark.parametrize(
    ("about", "field"),
    [
        ({"share": 0}, "breaker.share"),
        ({"share": 1.5}, "breaker.share"),
        ({"of": 0}, "breaker.of"),
        ({"of": 1.5}, "breaker.of"),
        ({"within": 0}, "breaker.within"),
        ({"hold": 90_000}, "breaker.hold"),
    ],
)
def test_a_breaker_that_cannot_be_is_refused(about: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        Breaker(**about)

    assert refused.value.field == field

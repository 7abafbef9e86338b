"""Switches: jobs that do not start, decided by the script that takes, on a real Valkey."""

import time
from typing import Any

import pytest

from project.errors import InvalidField
from project.records.record import TaskStatus
from project.records.switch import Field, Switch, check_switch
from project.store.client import Store
from project.store.commands import attempts, queues, switches, waits
from project.store.commands.attempts import HostHold, Verdict
from project.store.commands.waits import WaitQuestion, WaitStage
from project.worker.upkeep.guard import Guard
from tests.support.lane_workers import PoolProcess, build_message, order, put, read
from tests.support.waiting import wait_until


@pytest.fixture
def process(store: Store) -> PoolProcess:
    return PoolProcess(store)


def set_switch(store: Store, name: str = "off", **about: Any) -> int:
    revision = store.run(switches.put_switch(name, check_switch(name, Switch(**about))))
    assert revision
    return revision


def payload_of(**arguments: Any) -> str:
    from project.store.commands.command import encode_json

    return encode_json([[], arguments])


@pytest.mark.parametrize(
    "about",
    [
        {"kind": "k"},
        {"queue": "celery"},
        {"lane": "x"},
        {"tag": "t"},
        {"field": Field(path="order.customer", equals="acme")},
        {"field": Field(path="order.customer", prefix="ac")},
        {"field": Field(path="count", equals=7)},
        {"field": Field(path="is_big", equals=True)},
        {"kind": "k", "tag": "t", "field": Field(path="count", equals=7)},
    ],
    ids=["kind", "queue", "lane", "tag", "equals", "prefix", "number", "boolean", "all"],
)
@pytest.mark.parametrize("lane", ["", "x"])
def test_jobs_that_match_wait_until_the_switch_is_gone_and_keep_their_order(
    store: Store, process: PoolProcess, about: dict[str, Any], lane: str
) -> None:
    payload = payload_of(order={"customer": "acme"}, count=7, is_big=True)
    is_other_lane = about.get("lane", lane) != lane
    for number in range(3):
        order(store, f"a{number}", lane=lane or "x" * is_other_lane, tags=("t",), payload=payload)
    set_switch(store, **about)
    for number in range(3, 5):
        order(store, f"a{number}", lane=lane or "x" * is_other_lane, tags=("t",), payload=payload)

    assert process.take_all() == []
    held = read(store, "a0")
    assert (held.status, held.held_by) == (TaskStatus.PENDING, "switch:off")
    store.run(switches.delete_switch("off"))

    assert process.work() == ["a0", "a1", "a2", "a3", "a4"]
    assert store.run(switches.list_switches()) == {}


@pytest.mark.parametrize(
    "field",
    [
        Field(path="order.customer", equals="acme"),
        Field(path="count", equals="7"),
        Field(path="count", prefix="7"),
        Field(path="nothing", equals=True),
        Field(path="count.more", equals=1),
    ],
    ids=["other", "text", "no text", "missing", "no object"],
)
def test_jobs_that_do_not_match_run(store: Store, process: PoolProcess, field: Field) -> None:
    order(store, "a", payload=payload_of(order={"customer": "acme inc"}, count=7))
    order(store, "b", payload="no JSON")
    set_switch(store, field=field)

    assert process.work() == ["a", "b"]


def test_other_jobs_of_the_lane_go_on(store: Store, process: PoolProcess) -> None:
    set_switch(store, kind="k")
    for number in range(3):
        order(store, f"k{number}", lane="x")
        order(store, f"o{number}", kind="other", lane="x")

    assert process.work() == ["o0", "o1", "o2"]
    found = store.run(switches.list_switches())["off"]
    assert (found.lanes_held, found.jobs_held, found.running) == (1, 3, 0)


def test_a_switch_does_not_hold_what_waits_beside_a_limit_and_does_not_match(
    store: Store, process: PoolProcess
) -> None:
    put(store, "one", kind="k", concurrency=1)
    order(store, "a")
    order(store, "b", tags=("t",))
    order(store, "c")
    assert process.take_all() == ["a"]
    set_switch(store, tag="t")

    process.end("a")

    assert process.work() == ["c"]
    store.run(switches.delete_switch("off"))
    assert process.work() == ["b"]


def test_what_a_switch_gives_back_does_not_wait_for_a_limit_of_others(
    store: Store, process: PoolProcess
) -> None:
    set_switch(store, kind="k")
    order(store, "a", tags=("t",))
    order(store, "b")
    assert process.take_all() == []
    put(store, "nightly", tag="t", concurrency=0)

    store.run(switches.delete_switch("off"))

    assert process.work() == ["b"]


def test_jobs_that_run_already_go_on_and_are_counted(store: Store, process: PoolProcess) -> None:
    order(store, "a")
    order(store, "b")
    assert process.take() == "a"
    set_switch(store, kind="k")

    assert store.run(switches.list_switches())["off"].running == 1
    process.end("a")

    assert read(store, "a").status is TaskStatus.SUCCESS
    assert process.take() == ""


@pytest.mark.parametrize("action", ["cancel", "fail"])
def test_jobs_that_wait_are_ended_without_a_worker_a_few_at_a_time(
    store: Store, action: str
) -> None:
    for number in range(7):
        order(store, f"a{number}")
        order(store, f"o{number}", kind="other")
    set_switch(store, kind="k", action=action)

    steps = 1
    while store.run(switches.end_jobs(3)):
        steps += 1

    ended = TaskStatus.CANCELLED if action == "cancel" else TaskStatus.FAILED
    assert {read(store, f"a{number}").status for number in range(7)} == {ended}
    assert {read(store, f"o{number}").status for number in range(7)} == {TaskStatus.PENDING}
    assert steps == 3
    assert "switch:off" in read(store, "a0").error
    assert PoolProcess(store).work() == [f"o{number}" for number in range(7)]


@pytest.mark.parametrize("action", ["cancel", "fail"])
def test_jobs_that_are_delayed_retry_sleep_or_wait_for_a_signal_end_at_once(
    store: Store, process: PoolProcess, action: str
) -> None:
    hour = time.time() + 3_600
    wait_for = {"asleep": WaitQuestion("nap", "sleep"), "asked": WaitQuestion("ok", "signal")}
    for job_id in ("retried", *wait_for):
        order(store, job_id, lane="x")
        assert process.take() == job_id
        token = f"{process.claimant.worker}#{dict(process.running)[job_id]}"
        message = build_message(job_id)
        if job_id in wait_for:
            wait = waits.wait(
                job_id, token=token, about=wait_for[job_id], seconds=3_600, message=message
            )
            assert store.run(wait).stage is WaitStage.WAITS
        else:
            store.run(attempts.retry(job_id, token=token, error="e", delay=3_600, message=message))
    order(store, "delayed", lane="x", due=hour)
    order(store, "other", kind="other", due=hour)
    set_switch(store, kind="k", action=action)

    assert not store.run(switches.end_jobs(100))

    ended = TaskStatus.CANCELLED if action == "cancel" else TaskStatus.FAILED
    found = {each: read(store, each) for each in ("retried", *wait_for, "delayed")}
    assert {name: each.status for name, each in found.items()} == dict.fromkeys(found, ended)
    assert read(store, "other").status is TaskStatus.PENDING
    assert store.client.zrange("continuo:scheduled", 0, -1) == [b"other"]


@pytest.mark.parametrize("action", ["cancel", "fail"])
def test_a_job_that_is_ordered_later_ends_when_its_turn_comes(
    store: Store, process: PoolProcess, action: str
) -> None:
    set_switch(store, kind="k", action=action)
    assert not store.run(switches.end_jobs(100))
    order(store, "a")
    order(store, "b", kind="other")

    assert process.take_all() == ["b"]
    assert read(store, "a").is_final
    assert read(store, "a").attempts == 0


def test_a_switch_ends_by_itself(store: Store, process: PoolProcess) -> None:
    set_switch(store, kind="k", until=time.time() + 0.3)
    order(store, "a")
    assert process.take() == ""

    wait_until(process.take)

    assert process.running[-1][0] == "a"
    store.run(switches.end_jobs(10))
    assert store.run(switches.list_switches()) == {}
    assert store.client.exists("continuo:limits", "continuo:limits_by", "continuo:switches") == 0


def test_a_switch_is_changed_only_from_the_revision_that_is_expected(store: Store) -> None:
    switch = Switch(kind="k")
    first = store.run(switches.put_switch("off", switch, revision=0))
    assert first

    assert store.run(switches.put_switch("off", switch, revision=0)) is None
    assert store.run(switches.delete_switch("off", revision=first + 1)) is None
    assert store.run(switches.put_switch("off", switch, revision=first)) == first + 1
    assert store.run(switches.delete_switch("off", revision=first + 1))
    assert store.run(switches.delete_switch("off")) == 0


@pytest.mark.parametrize(
    ("name", "about", "field"),
    [
        ("a:b", {"kind": "k"}, "name"),
        ("a", {}, "kind"),
        ("a", {"field": Field(path="a..b", equals=1)}, "field.path"),
        ("a", {"field": Field(path="a")}, "field.equals"),
        ("a", {"field": Field(path="a", equals="a", prefix="a")}, "field.equals"),
    ],
    ids=["name", "nothing", "path", "no value", "two values"],
)
def test_a_switch_that_says_less_than_it_must_is_refused(
    name: str, about: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        check_switch(name, Switch(**about))

    assert refused.value.field == field


def order_call(store: Store, job_id: str, url: str, kind: str = "k", **changes: Any) -> None:
    order(store, job_id, kind=kind, payload=payload_of(url=url), **changes)


def hold_host(
    store: Store, process: PoolProcess, job_id: str, host: str, seconds: float
) -> Verdict:
    """End the attempt of a job that was told to wait."""
    serial = dict(process.running)[job_id]
    verdict = store.run(
        attempts.postpone(
            job_id,
            token=f"{process.claimant.worker}#{serial}",
            delay=seconds,
            message=build_message(job_id),
            host=HostHold(host, ("k",)),
        )
    )
    if verdict is Verdict.APPLIED:
        process.running.remove((job_id, serial))
        process.acknowledge(serial)
    return verdict


@pytest.mark.parametrize("lane", ["", "x"])
def test_a_host_that_asks_for_a_pause_gets_no_call_until_it_is_over(
    store: Store, process: PoolProcess, lane: str
) -> None:
    order_call(store, "a0", "https://slow.example/a", lane=lane)
    assert process.take() == "a0"
    for number, url in enumerate(["HTTP://SLOW.example:8080", "https://slow.example?b"], 1):
        order_call(store, f"a{number}", url, lane=lane)
    order_call(store, "b", "https://slow.example.org/", lane=lane)
    order_call(store, "c", "https://other.example/slow.example/", lane="y")
    order_call(store, "d", "https://slow.example/", kind="other", lane=lane)
    order(store, "e", lane=lane)
    order(store, "f", lane=lane, payload="no JSON")

    assert hold_host(store, process, "a0", "slow.example", 0.4) is Verdict.APPLIED

    assert sorted(process.work()) == ["b", "c", "d", "e", "f"]
    held = read(store, "a0")
    assert (held.status, held.attempts) == (TaskStatus.RETRYING, 0)
    assert read(store, "a1").held_by == held.held_by == "host:slow.example"
    shown = store.run(switches.list_switches())["host:slow.example"]
    assert (shown.jobs_held, shown.switch.action) == (3, "hold")
    for each in ("a0", "a1", "a2"):
        store.client.hset(f"continuo:job:{each}", "updated_at", "1")
    assert Guard(store, mends=False).check() == []
    wait_until(process.take)
    assert process.take_all() == ["a1", "a2"]
    assert process.running[0][0] == "a0"
    store.run(switches.end_jobs(10))
    names = ("held_hosts", "limits", "closed:celery")
    assert [name for name in names if store.client.exists(f"continuo:{name}")] == []


def test_a_host_that_is_let_go_by_hand_is_called_again(store: Store, process: PoolProcess) -> None:
    order_call(store, "a", "https://slow.example/")
    process.take()
    hold_host(store, process, "a", "slow.example", 3_600)
    assert process.take() == ""

    assert store.run(switches.delete_switch("host:slow.example"))

    assert process.take() == "a"


def test_a_job_that_waits_for_its_host_for_a_day_is_told_so(
    store: Store, process: PoolProcess
) -> None:
    order_call(store, "a", "https://slow.example/")
    verdicts = []

    for since in (0, 86_300, 86_500):
        assert process.take() == "a"
        if since:
            store.client.hset("continuo:job:a", "held_since", time.time() - since)
        verdicts.append(hold_host(store, process, "a", "slow.example", 3_600))
        store.run(switches.delete_switch("host:slow.example"))

    assert verdicts == [Verdict.APPLIED, Verdict.APPLIED, Verdict.EXHAUSTED]
    assert read(store, "a").status is TaskStatus.RUNNING


def test_a_purge_takes_what_a_switch_holds(store: Store, process: PoolProcess) -> None:
    set_switch(store, kind="k")
    for number in range(3):
        order(store, f"a{number}", lane="x")
    process.take_all()

    assert store.run(queues.purge("celery", 100)) == 3

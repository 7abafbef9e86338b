"""Switches in worker processes of each kind of pool."""

from typing import Literal

import pytest

from project.records.switch import Switch
from project.store.client import Store
from project.store.commands import switches
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until

POOLS = [("--concurrency=2",), ("--pool=threads", "--concurrency=2")]


@pytest.mark.parametrize("options", POOLS, ids=["processes", "threads"])
def test_held_jobs_go_on_when_the_switch_is_gone(
    workers: Workers, inspector: JobInspector, store: Store, options: tuple[str, ...]
) -> None:
    store.run(switches.put_switch("off", Switch(kind="tests.add")))
    workers.start(*options).ready()
    jobs = [kinds.add.apply_async((1, number)) for number in range(4)]
    wait_until(lambda: {inspector.record(job.id).held_by for job in jobs} == {"switch:off"})

    store.run(switches.delete_switch("off"))

    records = [inspector.wait_until_final(job.id) for job in jobs]
    assert {(each.status, each.attempts) for each in records} == {("success", 1)}


@pytest.mark.parametrize("options", POOLS, ids=["processes", "threads"])
@pytest.mark.parametrize(("action", "ended"), [("cancel", "cancelled"), ("fail", "failed")])
def test_jobs_that_wait_and_later_ones_are_ended(
    workers: Workers,
    inspector: JobInspector,
    store: Store,
    options: tuple[str, ...],
    action: Literal["cancel", "fail"],
    ended: str,
) -> None:
    delayed = kinds.add.apply_async((1, 1), countdown=3_600)
    queued = kinds.add.apply_async((1, 2))
    store.run(switches.put_switch("off", Switch(kind="tests.add", action=action)))

    workers.start(*options).ready()
    later = kinds.add.apply_async((1, 3))

    records = [inspector.wait_until_final(job.id) for job in (delayed, queued, later)]
    assert {(each.status, each.attempts) for each in records} == {(ended, 0)}
    assert all("switch:off" in each.error for each in records)

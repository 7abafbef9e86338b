"""Quotas, on a real Valkey."""

from collections.abc import Callable

import pytest

from project.settings.quotas import Quota
from project.store.client import Store
from project.store.commands import attempts, jobs, quotas
from project.store.commands.quotas import QuotaVerdict
from tests.support.lane_workers import PoolProcess, build_message, order

HOLDER = "key/ops"


def order_by_key(store: Store, *job_ids: str) -> None:
    for job_id in job_ids:
        order(store, job_id)
    store.run(quotas.note_orders(HOLDER, job_ids))


def ask(store: Store, count: int = 1, pending: int = 2) -> QuotaVerdict:
    return store.run(quotas.admit_orders(HOLDER, "", count, Quota(pending=pending)))


def test_the_jobs_of_a_key_without_a_tenant_are_counted_while_they_wait(store: Store) -> None:
    process = PoolProcess(store)
    order(store, "somebody else's")
    order_by_key(store, "a", "b")
    assert (ask(store).refused_by, ask(store).used) == ("pending", 2)

    assert process.take_all() == ["somebody else's", "a", "b"]

    assert ask(store, 2).refused_by == ""
    process.end("a")
    token = f"{process.claimant.worker}#{dict(process.running)['b']}"
    again = build_message("b", retries=1)
    store.run(attempts.retry("b", token=token, error="e", delay=60, message=again))
    assert (ask(store, 2).refused_by, ask(store, 2).used) == ("pending", 1)
    store.run(attempts.cancel("b"))
    assert store.client.exists(f"continuo:waiting_of:{HOLDER}") == 0


@pytest.mark.parametrize(
    "interrupt",
    [PoolProcess.die, lambda process: process.end("a")],
    ids=["the worker dies", "it ends"],
)
def test_a_job_that_is_noted_late_counts_as_it_stands(
    store: Store, interrupt: Callable[[PoolProcess], None]
) -> None:
    process = PoolProcess(store)
    order(store, "a")
    assert process.take() == "a"
    store.run(quotas.note_orders(HOLDER, ["a"]))
    store.run(quotas.note_orders("key/other", ["a"]))
    assert ask(store, pending=1).refused_by == ""

    interrupt(process)

    is_waiting = interrupt is PoolProcess.die
    assert ask(store, pending=1).refused_by == ("pending" if is_waiting else "")
    assert store.client.exists("continuo:waiting_of:key/other") == 0


def test_a_job_of_a_key_counts_again_when_it_is_rerun(store: Store) -> None:
    order_by_key(store, "a")
    store.run(attempts.cancel("a"))
    assert ask(store, pending=1).refused_by == ""

    assert store.run(jobs.rerun(build_message("a"), attempts=0, rerun_id="1"))

    assert ask(store, pending=1).refused_by == "pending"

"""Limits in worker processes of each kind of pool."""

from itertools import pairwise

import pytest
import redis

from project.job.result import JobResult
from project.records.breaker import Breaker
from project.store.client import Store
from project.store.commands import breakers, limits
from tests.support.apps import kinds
from tests.support.lane_workers import put
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until

POOLS = [("--concurrency=3",), ("--pool=threads", "--concurrency=3")]


@pytest.mark.parametrize("options", POOLS, ids=["processes", "threads"])
def run_one_by_one(inspector: JobInspector, jobs: list[JobResult]) -> None:
    """Let each of these jobs end that runs; there is never more than one."""
    keys = [f"tests:held:{job.id}" for job in jobs]
    for _ in jobs:
        answer = inspector.redis.blpop(keys, 30)
        assert answer
        running = [job for job in jobs if inspector.record(job.id).status == "running"]
        assert len(running) == 1
        inspector.release(int(answer[1]))
        inspector.wait_until_final(running[0].id)


@pytest.mark.parametrize("options", POOLS, ids=["processes", "threads"])
def test_one_job_of_a_limit_runs_after_the_other(
    workers: Workers, inspector: JobInspector, store: Store, options: tuple[str, ...]
) -> None:
    workers.start(*options).ready()
    put(store, "one", kind="tests.hold", each="lane", concurrency=1)

    jobs = [kinds.hold.apply_async(lane="acme") for _ in range(4)]

    run_one_by_one(inspector, jobs)
    wait_until(lambda: not list(inspector.redis.scan_iter("continuo:passed:*")))


def test_jobs_of_a_killed_worker_free_their_places(
    workers: Workers, inspector: JobInspector, store: Store
) -> None:
    put(store, "one", kind="tests.hold", concurrency=1)
    killed = workers.start("--concurrency=2").ready()
    jobs = [kinds.hold.apply_async() for _ in range(3)]
    inspector.wait_until_held(jobs[0].id)

    killed.kill()
    workers.start("--concurrency=2").ready()

    run_one_by_one(inspector, jobs)


def test_idle_processes_wake_up_when_a_rate_lets_a_job_pass(
    workers: Workers, inspector: JobInspector, store: Store
) -> None:
    put(store, "slow", kind="tests.add", rate="10/s")
    workers.start("--concurrency=2").ready()

    jobs = [kinds.add.apply_async((1, number)) for number in range(11)]
    records = [inspector.wait_until_final(job.id) for job in jobs]

    starts = sorted(record.started_at or 0 for record in records)
    gaps = [after - before for before, after in pairwise(starts)]
    assert min(gaps) >= 0.0999
    assert starts[-1] - starts[0] < 2.0


def test_a_worker_puts_the_limits_and_breakers_that_its_kinds_declare(
    workers: Workers, store: Store, client: redis.Redis
) -> None:
    put(store, "tests.paced-2", kind="tests.paced", concurrency=5)
    store.run(limits.put_limit("old", limits.Limit(kind="tests.add", concurrency=1), declared=True))

    workers.start("--concurrency=1").ready()

    found = store.run(limits.list_limits())
    assert found["tests.paced"].declared
    assert (found["tests.paced"].limit.kind, found["tests.paced"].limit.concurrency) == (
        "tests.paced",
        1,
    )
    assert found["tests.paced-2"].limit.concurrency == 5
    assert "old" not in found
    assert list(store.run(breakers.list_breakers())) == ["tests.paced"]


def test_a_breaker_that_somebody_has_put_stays(workers: Workers, store: Store) -> None:
    own = Breaker(share=1, of=7)
    store.run(breakers.put_breaker("tests.paced", own))
    store.run(breakers.put_breaker("tests.add", own))
    store.run(breakers.put_breaker("tests.hold", own, declared=True))
    store.run(breakers.put_breaker("a kind of other workers", own, declared=True))

    workers.start("--concurrency=1").ready()

    found = store.run(breakers.list_breakers())
    assert list(found) == ["a kind of other workers", "tests.add", "tests.paced"]
    assert (found["tests.paced"].breaker, found["tests.paced"].declared) == (own, False)

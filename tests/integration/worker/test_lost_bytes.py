"""Redis comes back without its last bytes while a worker lives: both agree again."""

import pytest

from project.records.record import TaskStatus
from project.store.client import Store
from project.worker.upkeep.guard import Guard
from tests.support.apps import kinds
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until

POOLS = ["--concurrency=1", "--pool=threads", "--pool=solo"]


class Snapshot:
    """All keys of Redis but those of leases and reports, as they are now."""

    def __init__(self, store: Store) -> None:
        self.client = store.client
        self.keys = {key: self.client.dump(key) for key in self.list_keys()}

    def list_keys(self) -> list[bytes]:
        lives = (b"continuo:workers", b"continuo:worker:", b"continuo:report:")
        return [key for key in self.client.scan_iter() if not key.startswith(lives)]

    def restore(self) -> None:
        """Forget what has changed since then."""
        self.client.delete(*self.list_keys())
        for key, value in self.keys.items():
            assert value
            self.client.restore(key, 0, value, replace=True)


@pytest.mark.parametrize("pool", POOLS)
def test_a_job_whose_end_redis_forgot_runs_again(
    store: Store, inspector: JobInspector, workers: Workers, pool: str
) -> None:
    workers.start(pool).ready()
    job = kinds.hold.delay()
    first = inspector.wait_until_held(job.id)
    before = Snapshot(store)
    inspector.release(first)
    inspector.wait_until_final(job.id)
    behind = kinds.add.delay(1, 1)  # its process claims again: the end of the first is told
    inspector.wait_until_final(behind.id)

    before.restore()

    assert inspector.record(job.id).status is TaskStatus.RUNNING
    wait_until(lambda: mend_and_look(store, inspector, job.id), 30)
    inspector.release(inspector.wait_until_held(job.id))
    record = inspector.wait_until_final(job.id)
    assert (record.status, record.attempts, record.interruptions) == (TaskStatus.SUCCESS, 1, 1)


def mend_and_look(store: Store, inspector: JobInspector, job_id: str) -> bool:
    Guard(store).check()
    return inspector.record(job_id).interruptions == 1


def wait_for_reports(inspector: JobInspector) -> None:
    """Wait until the only worker has said three times more what it runs."""
    (name,) = inspector.redis.zrange("continuo:workers", 0, -1)

    def read_number() -> int:
        return int(inspector.redis.hget(f"continuo:worker:{name}", "report") or 0)

    first = read_number()
    wait_until(lambda: read_number() >= first + 3)


@pytest.mark.parametrize("pool", POOLS)
def test_a_job_that_runs_is_not_taken_from_its_worker(
    store: Store, inspector: JobInspector, workers: Workers, pool: str
) -> None:
    workers.start(pool).ready()
    job = kinds.hold.delay()
    pid = inspector.wait_until_held(job.id)
    wait_for_reports(inspector)

    faults = Guard(store).check()

    assert (faults, inspector.record(job.id).status) == ([], TaskStatus.RUNNING)
    inspector.release(pid)
    assert inspector.wait_until_final(job.id).interruptions == 0


def test_many_jobs_at_once_in_one_process_are_not_taken_from_it(
    store: Store, inspector: JobInspector, workers: Workers
) -> None:
    workers.start("--concurrency=1", WORKER_ASYNC_JOBS="10").ready()
    jobs = [kinds.hold.delay() for _ in range(3)]
    pids = [inspector.wait_until_held(job.id) for job in jobs]
    wait_for_reports(inspector)

    assert Guard(store).check() == []

    for pid in pids:
        inspector.release(pid)
    assert {inspector.wait_until_final(job.id).interruptions for job in jobs} == {0}

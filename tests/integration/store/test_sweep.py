"""The removal of records after their retention."""

import time

from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import jobs as job_commands
from project.store.commands import maintenance, queries, queues
from tests.support.job_commands import count_statuses, message, record, start, succeed


def test_sweeping_removes_a_record_from_every_list(store: Store) -> None:
    store.run(job_commands.enqueue(message("a", queue="slow", tags=("x",), tenant="y")))
    start(store, "a")
    succeed(store, "a")
    assert store.run(queues.purge("slow", 10)) == 1
    store.client.hset("continuo:job:a", "finished_at", 1)
    for name in store.client.keys("continuo:index:*:success*"):
        store.client.zadd(name, {"a": 1})
    status = TaskStatus.SUCCESS

    move = maintenance.sweep(
        kind_queue="report@slow", status=status, retention=60, offset=0, most=10
    )

    assert store.run(move) == (1, 0)
    assert set(store.client.keys()) <= {
        b"continuo:events",
        b"continuo:lane_messages",
        b"continuo:laned",
        b"continuo:lanes:slow",
        b"continuo:kind_queues",
        b"continuo:queues",
        b"continuo:wakeup:slow",
        b"continuo:counters:report@slow",
    }


def test_sweeping_deletes_only_expired_records(store: Store) -> None:
    for job_id in ("old", "young", "waiting"):
        store.run(job_commands.enqueue(message(job_id)))
    long_ago = time.time() - 1000
    for job_id in ("old", "young"):
        start(store, job_id)
        succeed(store, job_id)
        store.client.zadd("continuo:index:report@celery:success", {job_id: long_ago})
    store.client.hset("continuo:job:old", "finished_at", long_ago)

    def sweep(offset: int) -> tuple[int, int]:
        move = maintenance.sweep(
            kind_queue="report@celery",
            status=TaskStatus.SUCCESS,
            retention=500,
            offset=offset,
            most=1,
        )
        return store.run(move)

    rounds = [sweep(0)]
    while rounds[-1][1]:
        rounds.append(sweep(rounds[-1][1]))

    assert sum(deleted for deleted, _ in rounds) == 1
    assert store.run(queries.read_record("old")) is None
    assert record(store, "young").status is TaskStatus.SUCCESS
    assert count_statuses(store) == {"pending": 1, "success": 1}

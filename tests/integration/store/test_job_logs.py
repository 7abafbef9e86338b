"""The logs of jobs in Redis: trimmed, read from a place on, deleted with the record."""

from project.logs.sender import encode
from project.records.log_line import JobLogLine, LogFile
from project.records.record import TaskStatus
from project.store.client import Store
from project.store.commands import attempts, jobs, logs, maintenance
from tests.support.job_commands import fail, message, start

FILE = LogFile(1, 9, 0, 70, f"2026-11-27/{'a' * 64}.gz", "log-a-1.jsonl.gz")


def add_lines(store: Store, job_id: str, *messages: str, batch: str = "") -> None:
    lines = [encode(JobLogLine(1.5, 1, "info", "shop", text)) + b"\n" for text in messages]
    store.run(logs.append(batch or messages[0].split()[0], {job_id: b"".join(lines)}))


def read_messages(store: Store, job_id: str, after: int = 0) -> list[str]:
    return [line.message for line in store.run(logs.read(job_id, after=after)).lines]


def test_lines_are_read_from_a_place_on(store: Store) -> None:
    store.run(jobs.enqueue(message("a")))
    add_lines(store, "a", "one", "two")
    place = store.run(logs.read("a")).end

    add_lines(store, "a", "three")

    assert read_messages(store, "a") == ["one", "two", "three"]
    assert read_messages(store, "a", after=place) == ["three"]


def test_a_repeated_batch_adds_nothing(store: Store) -> None:
    store.run(jobs.enqueue(message("a")))

    add_lines(store, "a", "one", batch="p1.1")
    add_lines(store, "a", "one", batch="p1.1")

    assert read_messages(store, "a") == ["one"]


def test_whole_lines_are_dropped_beyond_the_bound_and_counted(store: Store) -> None:
    store.run(jobs.enqueue(message("a")))

    for number in range(100):
        add_lines(store, "a", f"{number:03} " + "x" * 2_000)

    log = store.run(logs.read("a"))
    assert log.lines[-1].message.startswith("099")
    assert 25 < len(log.lines) < 35
    assert log.dropped > 100_000
    assert store.client.strlen("continuo:log:a") <= 65_536


def test_a_job_without_a_record_has_no_log(store: Store) -> None:
    add_lines(store, "gone", "one")
    store.run(logs.add_file("gone", FILE))

    assert store.client.keys() == []


def test_a_log_is_deleted_with_its_record(store: Store) -> None:
    for job_id in ("a", "b"):
        store.run(jobs.enqueue(message(job_id)))
        start(store, job_id)
        add_lines(store, job_id, f"line of {job_id}")
        store.run(logs.add_file(job_id, FILE))
        fail(store, job_id)
    store.client.hset("continuo:job:b", "finished_at", 1)
    store.client.zadd("continuo:index:report@celery:failed", {"b": 1})

    store.run(jobs.forget("a"))
    status = TaskStatus.FAILED
    place = {"kind_queue": "report@celery", "status": status, "offset": 0}
    store.run(maintenance.sweep(retention=60, most=10, **place))

    assert store.client.keys("continuo:log*") == []


def test_the_death_of_its_worker_is_the_last_line_of_a_log(store: Store) -> None:
    store.run(jobs.enqueue(message("a")))
    start(store, "a")
    add_lines(store, "a", "one")

    store.run(attempts.interrupt("a", token="t", cause='killed by "9"'))

    last = store.run(logs.read("a")).lines[-1]
    assert (last.level, last.attempt, last.message) == ("critical", 1, 'killed by "9"')

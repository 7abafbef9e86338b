"""What a job logs and prints reaches Redis, from every pool."""

import gzip
from pathlib import Path

import msgspec
import pytest

from project.celery import app
from project.records.log_line import JobLogLine
from project.store.commands import logs
from tests.support.apps import talkers
from tests.support.programs.workers import JobInspector, Workers
from tests.support.waiting import wait_until

INCLUDE = "--include=tests.support.apps.talkers,tests.support.apps.stock"


def read_lines(job_id: str, count: int) -> list[JobLogLine]:
    """The log of a job, as soon as it has so many lines."""
    wait_until(lambda: len(app.store.run(logs.read(job_id)).lines) >= count)
    return app.store.run(logs.read(job_id)).lines


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_what_a_job_logs_is_kept_with_its_attempt(
    inspector: JobInspector, workers: Workers, pool: str
) -> None:
    workers.start(INCLUDE, "--concurrency=1", f"--pool={pool}").ready()

    job = talkers.talk_twice.delay()

    lines = read_lines(job.id, 2)
    assert [(line.attempt, line.message) for line in lines] == [(1, "attempt 1"), (2, "attempt 2")]
    assert {(line.level, line.logger) for line in lines} == {("info", "shop.orders")}


def test_prints_are_kept_for_kinds_that_say_so(workers: Workers) -> None:
    workers.start(INCLUDE, "--concurrency=1").ready()

    printing, silent = talkers.talk_and_print.delay("aloud"), talkers.talk.delay("quiet")

    assert [(line.logger, line.message) for line in read_lines(printing.id, 2)] == [
        ("print", "aloud"),
        ("shop.tasks", "careful: aloud"),
    ]
    assert [line.message for line in read_lines(silent.id, 1)] == ["quiet 0"]


def test_async_jobs_of_one_process_have_logs_of_their_own(workers: Workers) -> None:
    workers.start(INCLUDE, "--concurrency=1", WORKER_ASYNC_JOBS="4").ready()

    jobs = {word: talkers.talk_async.delay(word) for word in ("red", "green", "blue")}

    for word, job in jobs.items():
        assert [line.message for line in read_lines(job.id, 3)] == [word] * 3


def test_the_death_of_a_worker_is_the_last_line(inspector: JobInspector, workers: Workers) -> None:
    workers.start(INCLUDE, "--concurrency=1").ready()

    job = talkers.talk_and_die.delay()

    inspector.wait_until_final(job.id, 30)
    lines = app.store.run(logs.read(job.id)).lines
    assert [line.message for line in lines[::2]] == ["before"] * 3
    assert all("SIGKILL" in line.message for line in lines[1::2])
    assert (lines[-1].level, lines[-1].attempt) == ("critical", 1)


def test_hidden_arguments_are_masked(workers: Workers) -> None:
    workers.start(INCLUDE, "--concurrency=1").ready()

    job = talkers.talk_in_secret.delay("open sesame")

    assert [line.message for line in read_lines(job.id, 1)] == ["opened with ***"]


def test_a_job_that_logs_megabytes_keeps_its_last_64_kilobytes(
    inspector: JobInspector, workers: Workers
) -> None:
    workers.start(INCLUDE, "--concurrency=1").ready()

    job = talkers.talk.delay("x" * 1_000, count=5_000)

    inspector.wait_until_final(job.id, 30)
    wait_until(lambda: [line for line in read_lines(job.id, 1) if line.message.endswith(" 4999")])
    assert app.store.client.memory_usage(f"continuo:log:{job.id}") <= 84_000
    assert app.store.client.strlen(f"continuo:log:{job.id}") <= 65_536


def test_the_whole_log_of_a_job_that_logs_megabytes_is_a_file(
    inspector: JobInspector, workers: Workers, tmp_path: Path
) -> None:
    workers.start(INCLUDE, "--concurrency=1", DATA_DIR=str(tmp_path)).ready()

    job, quiet = talkers.talk.delay("x" * 1_000, count=5_000), talkers.talk.delay("quiet")

    inspector.wait_until_final(quiet.id, 30)
    (file,) = app.store.run(logs.read(job.id)).files
    stored = tmp_path / "artifacts" / file.key
    with gzip.open(stored) as lines:
        messages = [msgspec.json.decode(line)["message"] for line in lines]
    assert messages == [f"{'x' * 1_000} {number}" for number in range(5_000)]
    assert (file.attempt, file.lines, file.left_out) == (1, 5_000, 0)
    assert file.size == stored.stat().st_size < 200_000
    assert app.store.run(logs.read(quiet.id)).files == []
    assert list((tmp_path / "workshop").iterdir()) == []

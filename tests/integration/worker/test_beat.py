"""Jobs that are due again and again, each time once."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from celery.beat import ScheduleEntry
from celery.schedules import crontab, schedule

from project.celery import app
from project.records.record import TaskRecord
from project.settings.values import get_settings
from project.worker.beat import job_id
from tests.support.apps.beat_app import TICK_SECONDS
from tests.support.programs.processes import Program
from tests.support.programs.workers import JobInspector
from tests.support.waiting import wait_until

AT_THREE = crontab(hour="3", minute="0")
YESTERDAY = datetime(2026, 11, 23, 3, 0, 1, tzinfo=UTC)


@pytest.fixture
def beats(client: redis.Redis, tmp_path: Path) -> Iterator[list[Program]]:
    """Two of them, each with a schedule file of its own."""
    client.flushall()
    running = [beat(tmp_path / name) for name in ("one", "two")]
    yield running
    for program in running:
        program.kill()


def beat(folder: Path) -> Program:
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "tests.support.apps.beat_app",
        "beat",
        "--loglevel=INFO",
    ]
    command += [f"--schedule={folder}"]
    environment = {"REDIS_URL": get_settings().store_url, "DATA_DIR": str(folder.parent)}
    return Program(command, folder.with_suffix(".log"), environment)


def entry(when: schedule, last_run: datetime, name: str = "nightly") -> ScheduleEntry:
    return ScheduleEntry(name, "tests.add", schedule=when, last_run_at=last_run, app=app)


def records(inspector: JobInspector) -> list[TaskRecord]:
    keys = inspector.redis.scan_iter("continuo:job:*")
    return [inspector.record(str(key).rpartition(":")[2]) for key in keys]


def test_two_beats_enqueue_one_job_for_each_scheduled_time(
    inspector: JobInspector, beats: list[Program]
) -> None:
    wait_until(lambda: len(records(inspector)) >= 6, 30)
    wait_until(lambda: all("Sending due task" in program.output for program in beats), 30)
    wait_until(lambda: any("sent for this time already" in program.output for program in beats), 30)
    made = sorted(record.created_at for record in records(inspector))

    assert len(made) <= (made[-1] - made[0]) / TICK_SECONDS + 2


def test_a_scheduled_time_has_one_id_even_when_it_is_sent_late() -> None:
    in_time = job_id(entry(AT_THREE, YESTERDAY), 0)
    after_an_outage = job_id(entry(AT_THREE, YESTERDAY + timedelta(hours=2)), 99_999)
    assert in_time == after_an_outage


def test_other_times_and_other_entries_have_other_ids() -> None:
    ids = {
        job_id(entry(AT_THREE, YESTERDAY), 0),
        job_id(entry(AT_THREE, YESTERDAY + timedelta(days=1)), 0),
        job_id(entry(AT_THREE, YESTERDAY, "other"), 0),
        job_id(entry(schedule(timedelta(seconds=30)), YESTERDAY), 59),
        job_id(entry(schedule(timedelta(seconds=30)), YESTERDAY), 60),
    }
    assert len(ids) == 5
    assert job_id(entry(schedule(timedelta(seconds=30)), YESTERDAY), 31) in ids

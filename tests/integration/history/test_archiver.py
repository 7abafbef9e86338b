"""Ended jobs become rows of files, each once, whatever is killed."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from project.artifacts.links import resolve_link
from project.history import archiver, compaction, files
from project.history.conditions import HistoryFilter
from project.history.search import search
from project.records.log_line import LogFile
from project.records.record import TaskStatus
from project.settings.values import get_settings
from project.store.client import Store
from project.store.commands import archive, attempts, jobs, logs, maintenance
from tests.support import job_commands
from tests.support.history import archive_all, end_job, list_ids, list_visible, payload_of

ROOT = Path(__file__).parents[3]
SWEEP_ALL = {"kind_queue": "report@celery", "status": TaskStatus.SUCCESS, "offset": 0, "most": 100}

KILLS = int(os.environ.get("TEST_KILLS", "8"))


def test_every_ended_job_is_one_row(history: Store) -> None:
    for name in "abc":
        end_job(history, name)
    history.run(jobs.enqueue(job_commands.message("waiting")))

    assert archive_all() == 3
    assert archive_all() == 0

    assert list_ids() == ["a", "b", "c"]
    assert history.run(archive.read_backlog()).jobs == 0


def test_a_row_keeps_where_the_whole_logs_are_when_the_record_is_gone(history: Store) -> None:
    file = LogFile(1, 9_000, 0, 512, f"2026-11-25/{'0123' * 16}.gz", "log-a-1.jsonl.gz")
    end_job(history, "a")
    end_job(history, "b")
    history.run(logs.add_file("a", file))

    archive_all()
    history.run(jobs.forget("a"))

    found = {job.id: job.logs for job in search(HistoryFilter(), 10).jobs}
    (link,) = found["a"]
    assert (link.attempt, link.lines, link.filename) == (1, 9_000, "log-a-1.jsonl.gz")
    assert resolve_link(link.download_url.rpartition("/")[2]) == (file.key, file.filename)
    assert found["b"] == []


def test_the_backlog_says_since_when_the_first_job_waits(history: Store) -> None:
    end_job(history, "a")
    history.client.zincrby("continuo:archive:waiting", -600, "a")
    end_job(history, "b")

    backlog = history.run(archive.read_backlog())

    assert (backlog.jobs, round(backlog.seconds, -1)) == (2, 600)


def test_each_tenant_has_its_own_files(history: Store) -> None:
    end_job(history, "a", tenant="acme")
    end_job(history, "b")

    archive_all()

    assert sorted(file.folder.name for file in list_visible()) == ["_", "acme"]


def test_nothing_is_collected_while_the_history_is_off(history: Store) -> None:
    history.run(archive.switch(on=False))

    end_job(history, "a")

    assert archive_all() == 0
    assert history.run(archive.read_backlog()).jobs == 0


def test_the_sweep_waits_for_the_archiver(history: Store) -> None:
    end_job(history, "a")

    before = history.run(maintenance.sweep(**SWEEP_ALL, retention=-1))
    archive_all()
    after = history.run(maintenance.sweep(**SWEEP_ALL, retention=-1))

    assert before == (0, 0)
    assert after == (1, 0)


def test_a_job_that_ended_before_there_was_a_history_is_archived_when_its_time_is_over(
    history: Store,
) -> None:
    history.run(archive.switch(on=False))
    end_job(history, "old")
    history.run(archive.switch(on=True))

    assert archive_all() == 0
    history.run(maintenance.sweep(**SWEEP_ALL, retention=-1))
    assert archive_all() == 1

    assert list_ids() == ["old"]


def test_a_record_that_was_deleted_on_demand_is_not_archived(history: Store) -> None:
    end_job(history, "a")
    history.run(jobs.forget("a"))

    assert archive_all() == 0
    assert history.run(archive.read_backlog()).jobs == 0


def test_only_kinds_that_show_their_arguments_keep_them(history: Store) -> None:
    end_job(history, "a", payload=payload_of(order={"id": 17}))
    end_job(history, "b", kind="webhook", payload=payload_of(token="secret"))

    archive_all()

    content = b"".join(file.path.read_bytes() for file in list_visible())
    assert b"secret" not in content
    assert len(list_ids()) == 2


def test_the_rows_of_a_rerun_have_files_of_their_own(history: Store) -> None:
    history.run(jobs.enqueue(job_commands.message("a")))
    job_commands.start(history, "a")
    job_commands.fail(history, "a")
    archive_all()

    assert history.run(jobs.rerun(job_commands.message("a"), attempts=1, rerun_id="r"))
    history.run(attempts.start("a", retries=1, token="u", rerun_id="r"))
    job_commands.succeed(history, "a", token="u")
    archive_all()

    assert [file.is_again for file in list_visible()] == [False, True]


def test_a_batch_that_was_not_confirmed_is_written_again_under_its_name(history: Store) -> None:
    end_job(history, "a")
    killed = archiver.Archiver(history, "killed", frozenset())
    assert killed.renew()
    batch = history.run(archive.claim("killed", 10))
    assert batch is not None
    killed.write(batch)
    history.run(archive.release("killed"))
    end_job(history, "b")

    assert archive_all() == 2

    assert list_ids() == ["a", "b"]


def test_who_lost_the_lease_confirms_nothing(history: Store) -> None:
    end_job(history, "a")
    late = archiver.Archiver(history, "late", frozenset())
    assert late.renew()
    batch = history.run(archive.claim("late", 10))
    assert batch is not None
    history.run(archive.release("late"))
    assert history.run(archive.lease("next", 10))

    assert not history.run(archive.confirm("late", batch, {"a": "1"}))
    assert history.run(archive.claim("late", 10)) is None
    assert history.run(archive.read_backlog()).jobs == 1


def test_small_files_are_merged_and_no_row_is_doubled_or_lost(history: Store) -> None:
    for name in "abc":
        end_job(history, name)
        archive_all()
    (folder,) = files.list_folders(files.list_days())
    sources = [file.path.read_bytes() for file in list_visible()]
    assert len(sources) == 3
    names = [file.path for file in list_visible()]

    (merged,) = compaction.compact_folder(folder, 2)
    for name, content in zip(names, sources, strict=True):  # as if the merge had been killed
        name.write_bytes(content)

    assert list_visible() == [merged]
    assert list_ids() == ["a", "b", "c"]
    assert list(compaction.compact_folder(folder, 2)) == []
    assert [path for path in names if path.exists()] == []


def test_old_days_are_removed(history: Store) -> None:
    old = files.find_folder("2020-01-01", "")
    old.mkdir(parents=True)

    assert files.remove_old(30) == 1
    assert files.list_days() == []


@pytest.mark.timeout(900)
def test_an_archiver_that_is_killed_again_and_again_loses_and_doubles_nothing(
    history: Store,
) -> None:
    count, dice = 300, random.Random(7)  # noqa: S311 - of a test
    for number in range(count):
        end_job(history, f"job-{number:03}", tenant=("", "acme")[number % 2])
    order = json.dumps({"shown_kinds": ["report"]})
    command = [sys.executable, "-m", "project.history.archiver", order]
    environment = os.environ | {"REDIS_URL": get_settings().store_url}

    for round_number in range(KILLS):
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            process.wait(dice.uniform(0.2, 1.2))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        history.client.delete("continuo:archive:lease")
        end_job(history, f"more-{round_number}")
    assert subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0

    ids = list_ids()
    assert len(ids) == len(set(ids)) == count + KILLS

"""The job in the README, run as the README says: a file in ``tasks/``, a worker, a few lines."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from project.celery import app
from project.local.valkey import EmbeddedValkey
from project.records.record import TaskRecord, TaskStatus
from tests.support.documents.markdown import ROOT, read_code_blocks
from tests.support.waiting import PATIENCE, wait_until

TITLE = "A job of your own in ten lines"
FIRST_RETRY = 2


class Copy:
    """A copy of the program with the README's job in it, and Python to run there."""

    def __init__(self, folder: Path, url: str) -> None:
        job, order = read_code_blocks(TITLE, "python")
        self.folder = folder
        self.environment = os.environ | {"REDIS_URL": url, "DATA_DIR": str(folder / "var")}
        for name in ("project", "tasks"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc"))
        (folder / "tasks/checksums.py").write_text(job)
        (folder / "order.py").write_text(order)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """``celery -A project worker``, as anybody starts it."""
        command = [sys.executable, "-m", "celery", "-A", "project", "worker", "--loglevel=INFO"]
        with (self.folder / "worker.log").open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def python(self, *arguments: str) -> str:
        """What a Python program run in the folder prints."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60 * PATIENCE,
            check=True,
        ).stdout

    def order(self, path: str) -> str:
        """Order a checksum that gets two attempts; the job's id."""
        call = f"checksum.apply_async(kwargs={{'path': {path!r}}}, max_retries=2)"
        return self.python("-c", f"from tasks.checksums import checksum; print({call}.id)").strip()


@pytest.fixture(scope="module")
def copy(valkey: EmbeddedValkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    app.store.client.flushall()
    copy = Copy(tmp_path_factory.mktemp("checkout"), valkey.url)
    worker = copy.start_worker()
    yield copy
    worker.terminate()
    try:
        worker.wait(30)
    finally:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(10)


def test_the_job_is_ten_lines() -> None:
    job, _ = read_code_blocks(TITLE, "python")

    assert len(job.splitlines()) == 10


def test_the_lines_print_the_result_of_the_job(copy: Copy) -> None:
    (content,) = re.findall(r"^\$ echo (\w+) >hello.txt", console(), re.MULTILINE)
    (copy.folder / "hello.txt").write_text(f"{content}\n")

    job_id, result, last = copy.python("order.py").splitlines()

    assert record(job_id).kind == "checksum"
    assert result == str({"sha256": hashlib.sha256(f"{content}\n".encode()).hexdigest()})
    assert last == "success after 1 attempt"
    shown_id, *shown_rest = re.findall(r"^(?!\$).+", console(), re.MULTILINE)
    assert UUID(shown_id)
    assert shown_rest == [result, last]


def test_a_retry_finds_a_file_that_arrives_late(copy: Copy) -> None:
    job_id = copy.order("late.txt")
    wait_until(lambda: record(job_id).status is TaskStatus.RETRYING, 30)
    assert "FileNotFoundError" in record(job_id).error

    (copy.folder / "late.txt").write_text("here")

    wait_until(lambda: record(job_id).is_final)

    assert record(job_id).status is TaskStatus.SUCCESS
    assert record(job_id).attempts == 2


def test_a_folder_fails_at_once(copy: Copy) -> None:
    job_id = copy.order("tasks")

    wait_until(lambda: record(job_id).is_final, 30)

    assert record(job_id).status is TaskStatus.FAILED
    assert record(job_id).attempts == 1
    assert "IsADirectoryError" in record(job_id).error


def test_an_unlisted_error_fails_at_once(copy: Copy) -> None:
    job_id = copy.order("no\0path")

    wait_until(lambda: record(job_id).is_final, 30)

    assert record(job_id).status is TaskStatus.FAILED
    assert record(job_id).attempts == 1
    assert "ValueError" in record(job_id).error


def console() -> str:
    """The terminal session that the README shows."""
    (session,) = read_code_blocks(TITLE, "console")
    return session


def record(job_id: str) -> TaskRecord:
    """The record as it is now."""
    found: TaskRecord | None = app.AsyncResult(job_id).record
    assert found is not None
    return found

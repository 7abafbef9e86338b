"""The history in a bucket: each machine has a copy, and changes reach the others."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from project.artifacts.storage import Bucket
from project.history.mirror import Mirror
from project.settings.values import get_settings
from project.store.client import Store
from project.store.commands import archive
from tests.support.history import end_job
from tests.support.ports import find_free_port
from tests.support.programs.processes import ROOT
from tests.support.servers.s3 import serve_s3
from tests.support.waiting import PATIENCE

SEARCH = """
from project.history.conditions import HistoryFilter
from project.history.search import search
print(*sorted(job.id for job in search(HistoryFilter(), 100, None).jobs))
"""
SEARCH_IN_VAIN = """
from project.history.conditions import HistoryFilter
from project.history.reading import HistoryBusy
from project.history.search import search
try:
    search(HistoryFilter(), 100, None)
except HistoryBusy as problem:
    print(problem)
"""
ERASE = """
from project.history.conditions import HistoryFilter
from project.history.erasure import erase
from project.settings.values import get_settings
from project.store.client import Store
store = Store(get_settings().store_url)
print(erase(store, HistoryFilter(job_id="a"), "ada", dry_run=False).jobs)
"""
ARCHIVE = ("-m", "project.history.archiver", json.dumps({"shown_kinds": ["report"]}))


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a bucket."""
    with serve_s3(tmp_path_factory.mktemp("s3")) as environment:
        yield environment


@pytest.fixture
def machines(
    bucket: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Mirror, Mirror]:
    """The copies of two machines, in the folders ``one`` and ``two``."""
    for name, value in bucket.items():
        monkeypatch.setenv(name, value)
    place = f"{bucket['ARTIFACTS_URL'].rstrip('/')}/{tmp_path.name}"
    return Mirror(tmp_path / "one", Bucket(place)), Mirror(tmp_path / "two", Bucket(place))


def write(root: Path, name: str, text: str) -> Path:
    place = root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place


def read_all(root: Path) -> dict[str, str]:
    found = [*root.glob("*/*/*")]
    return {place.relative_to(root).as_posix(): place.read_text() for place in found}


def test_changes_of_one_machine_reach_the_other(
    machines: tuple[Mirror, Mirror], tmp_path: Path
) -> None:
    one, two = machines
    first = write(tmp_path / "one", "2026-11-27/_/1-1.parquet", "rows")
    gone = write(tmp_path / "one", "2026-11-27/_/2-2.parquet", "more")
    for file in (first, gone):
        one.push(file)
    two.pull()
    before = read_all(tmp_path / "two")

    one.push(write(tmp_path / "one", "2026-11-27/_/1-1.parquet", "rows without Ada"))
    one.remove(gone)
    two.pull()

    assert before == {"2026-11-27/_/1-1.parquet": "rows", "2026-11-27/_/2-2.parquet": "more"}
    assert read_all(tmp_path / "two") == {"2026-11-27/_/1-1.parquet": "rows without Ada"}


def test_files_from_before_there_was_a_bucket_are_kept_and_sent(
    machines: tuple[Mirror, Mirror], tmp_path: Path
) -> None:
    one, two = machines
    write(tmp_path / "one", "2026-11-26/acme/1-1.parquet", "old rows")
    write(tmp_path / "one", "2026-11-26/acme/1-1.rollup", "old sums")

    one.pull()
    one.push_missing()
    two.pull()

    assert read_all(tmp_path / "two") == read_all(tmp_path / "one")
    assert len(read_all(tmp_path / "two")) == 2


def test_another_bucket_gets_what_is_here(
    machines: tuple[Mirror, Mirror], bucket: dict[str, str], tmp_path: Path
) -> None:
    one, _ = machines
    one.push(write(tmp_path / "one", "2026-11-27/_/1-1.parquet", "rows"))
    other = Bucket(f"{bucket['ARTIFACTS_URL'].rstrip('/')}/{tmp_path.name}-other")

    moved = Mirror(tmp_path / "one", other)
    moved.pull()
    moved.push_missing()
    Mirror(tmp_path / "three", other).pull()

    assert read_all(tmp_path / "one") == read_all(tmp_path / "three")
    assert len(read_all(tmp_path / "three")) == 1


def test_a_day_is_removed_everywhere(machines: tuple[Mirror, Mirror], tmp_path: Path) -> None:
    one, two = machines
    for day in ("2025-01-01", "2026-11-27"):
        one.push(write(tmp_path / "one", f"{day}/_/1-1.parquet", day))
    two.pull()

    two.remove_day("2025-01-01")
    one.pull()

    assert list(read_all(tmp_path / "one")) == ["2026-11-27/_/1-1.parquet"]


def test_a_pull_that_was_done_a_moment_ago_is_not_repeated(
    machines: tuple[Mirror, Mirror], tmp_path: Path
) -> None:
    one, two = machines
    two.pull()
    one.push(write(tmp_path / "one", "2026-11-27/_/1-1.parquet", "rows"))

    two.pull(within=60)
    during = read_all(tmp_path / "two")
    two.pull()

    assert during == {}
    assert len(read_all(tmp_path / "two")) == 1


@pytest.mark.timeout(180)
def test_what_one_machine_archives_another_finds_and_erases(
    store: Store, bucket: dict[str, str], tmp_path: Path
) -> None:
    store.run(archive.switch(on=True))
    for job_id in ("a", "b", "c"):
        end_job(store, job_id)

    def run(machine: str, *arguments: str) -> str:
        place = {"ARTIFACTS_URL": f"{bucket['ARTIFACTS_URL'].rstrip('/')}/{tmp_path.name}"}
        data = {"DATA_DIR": str(tmp_path / machine), "REDIS_URL": get_settings().store_url}
        return run_python(bucket | place | data, *arguments)

    archived = run("one", *ARCHIVE)
    found, erased = run("two", "-c", SEARCH), run("two", "-c", ERASE)

    assert (archived, found, erased) == ("archived 3 jobs", "a b c", "1")
    assert run("one", "-c", SEARCH) == "b c"


def test_a_bucket_that_does_not_answer_is_named(store: Store, tmp_path: Path) -> None:
    away = {
        "ARTIFACTS_URL": "s3://files/jobs",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{find_free_port()}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "eu-central-1",
        "DATA_DIR": str(tmp_path),
    }
    assert run_python(away, "-c", SEARCH_IN_VAIN).startswith(
        "the bucket of the history cannot be read"
    )


def run_python(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()

"""Files that jobs make, and how they are stored."""

import hashlib
import os
import signal
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from project.artifacts import links, storage
from project.artifacts.links import Artifact, ArtifactGone
from tests.support.artifact_files import make_file, path_of
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[4]


def test_an_artifact_is_stored_under_its_hash_and_todays_date(folder: Path) -> None:
    file = make_file(folder)
    kept = links.store_artifact(file, "summary-report.pdf")
    place = links.locate(kept)
    assert isinstance(place, Path)
    assert place.read_bytes() == file.read_bytes()

    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert kept.key == f"{datetime.now(UTC).date()}/{digest}.pdf"
    assert (kept.filename, kept.sha256) == ("summary-report.pdf", digest)


def test_an_artifact_stays_when_its_working_folder_is_cleared() -> None:
    with links.open_workshop() as folder:
        kept = links.store_artifact(make_file(folder), "a.pdf")

    assert not folder.exists()
    assert links.locate(kept)


def test_equal_bytes_are_stored_once_under_any_name(folder: Path) -> None:
    file = make_file(folder)
    first = links.store_artifact(file, "a.pdf")
    written = path_of(first).stat()

    second = links.store_artifact(make_file(folder, file.read_bytes()), "b.pdf")

    assert second == Artifact(first.key, "b.pdf")
    assert path_of(first).stat().st_ino == written.st_ino


def test_different_bytes_with_the_same_name_are_two_artifacts(folder: Path) -> None:
    assert (
        links.store_artifact(make_file(folder), "a.pdf").key
        != links.store_artifact(make_file(folder), "a.pdf").key
    )


def test_storing_equal_bytes_many_times_at_once_succeeds(folder: Path) -> None:
    content = uuid.uuid4().bytes
    files = [make_file(folder, content) for _ in range(32)]

    with ThreadPoolExecutor(8) as pool:
        kept = set(pool.map(lambda file: links.store_artifact(file, "a.pdf"), files))

    assert len(kept) == 1
    assert path_of(kept.pop()).read_bytes() == content


def test_a_file_is_synced_before_it_gets_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []
    file, link, fsync = make_file(folder), os.link, os.fsync

    def note_link(source: Path, target: Path) -> None:
        done.append("named")
        link(source, target)

    def note_flush(descriptor: int) -> None:
        done.append(os.stat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(storage.os, "link", note_link)
    monkeypatch.setattr(storage.os, "fsync", note_flush)
    kept = path_of(links.store_artifact(file, "a.pdf"))

    assert done[:3] == [file.stat().st_ino, "named", kept.parent.stat().st_ino]


WRITER = """
import sys
from project.artifacts import links
with links.open_workshop() as folder:
    file = folder / "big.csv"
    with file.open("wb") as out:
        for number in range(64):
            out.write(b"%07d" % number * 100_000)
            print(number, flush=True)
    print(links.store_artifact(file, "big.csv").key, flush=True)
"""


def writer(home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_writer_killed_at_any_moment_leaves_no_half_artifact(tmp_path: Path) -> None:
    for moment in (0, 20, 40, 63):
        with writer(tmp_path) as killed:
            assert killed.stdout
            while killed.stdout.readline().strip() != str(moment):
                assert killed.poll() is None
            killed.send_signal(signal.SIGKILL)
        for file in tmp_path.glob("artifacts/*/*"):
            assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem


def test_racing_workers_leave_one_whole_artifact(tmp_path: Path) -> None:
    racers = [writer(tmp_path) for _ in range(3)]
    keys = {racer.communicate(timeout=60 * PATIENCE)[0].split()[-1] for racer in racers}
    (file,) = tmp_path.glob("artifacts/*/*")

    assert keys == {f"{file.parent.name}/{file.name}"}
    assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem
    assert list((tmp_path / "workshop").iterdir()) == []


def test_a_removed_file_is_gone(folder: Path) -> None:
    kept = links.store_artifact(make_file(folder), "old.pdf")
    path_of(kept).unlink()

    with pytest.raises(ArtifactGone, match=r"old\.pdf is no longer kept"):
        links.locate(kept)

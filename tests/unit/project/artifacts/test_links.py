"""Files that jobs make, and the links that fetch them."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from project.artifacts import links, storage
from project.artifacts.links import Artifact, ArtifactGone
from project.errors import LinkExpired, LinkTampered
from project.settings.values import get_settings
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[4]
KEY = f"2026-11-25/{'0123' * 16}.pdf"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A place to make files in."""
    with links.open_workshop() as folder:
        yield folder


def make_file(folder: Path, content: bytes | None = None) -> Path:
    """A file; without ``content`` one that no other test keeps."""
    file = folder / uuid.uuid4().hex
    file.write_bytes(uuid.uuid4().bytes if content is None else content)
    return file


def path_of(artifact: Artifact) -> Path:
    return get_settings().data_dir / "artifacts" / artifact.key


def token_of(artifact: Artifact) -> str:
    return links.build_link(artifact).rpartition("/")[2]


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
    keys = {racer.communicate(timeout=60)[0].split()[-1] for racer in racers}
    (file,) = tmp_path.glob("artifacts/*/*")

    assert keys == {f"{file.parent.name}/{file.name}"}
    assert hashlib.sha256(file.read_bytes()).hexdigest() == file.stem
    assert list((tmp_path / "workshop").iterdir()) == []


def test_a_result_has_the_artifact_and_its_expiry(folder: Path) -> None:
    file = make_file(folder)
    kept = links.store_artifact(file, "a.xlsx")
    about = links.describe_artifact(kept, file)

    url, ends = about.pop("download_url"), about.pop("expires_at")

    assert links.resolve_link(url.rpartition("/")[2]) == kept
    assert abs(ends - time.time() - get_settings().link_seconds) < 5
    assert about == {
        "filename": "a.xlsx",
        "size": 16,
        "sha256": kept.sha256,
        "content_type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }


def test_a_removed_file_is_gone(folder: Path) -> None:
    kept = links.store_artifact(make_file(folder), "old.pdf")
    path_of(kept).unlink()

    with pytest.raises(ArtifactGone, match=r"old\.pdf is no longer kept"):
        links.locate(kept)


def test_a_link_starts_with_the_public_url_and_resolves_to_its_artifact() -> None:
    kept = Artifact(KEY, "Größe & Gewicht.pdf")
    assert links.build_link(kept).startswith(f"{get_settings().base_url}/artifacts/")
    assert links.resolve_link(token_of(kept)) == kept


def test_a_link_needs_no_quoting() -> None:
    token = token_of(Artifact(KEY, 'a "b" / ü.pdf'))
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in token)


def test_a_link_with_changed_characters_is_refused() -> None:
    token = token_of(Artifact(KEY, "a.pdf"))
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        if changed[:-1] != token[:-1]:  # the last letter of base64 has bits that mean nothing
            with pytest.raises(LinkTampered):
                links.resolve_link(changed)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "%00", "..", "ü"])
def test_a_forged_link_is_refused(token: str) -> None:
    with pytest.raises(LinkTampered):
        links.resolve_link(token)


def test_a_link_signed_with_another_secret_is_refused() -> None:
    foreign = URLSafeTimedSerializer("somebody else's secret", salt=links.SALT)
    with pytest.raises(LinkTampered):
        links.resolve_link(foreign.dumps(["0123.pdf", "a.pdf"]))


def test_another_signed_value_is_not_a_link() -> None:
    other = URLSafeTimedSerializer(get_settings().signing_keys[0], salt="another use")
    with pytest.raises(LinkTampered):
        links.resolve_link(other.dumps(["0123.pdf", "a.pdf"]))


@pytest.mark.parametrize(
    "key",
    [
        "../secret_key",
        "/etc/passwd",
        "2026-11-25/../../secret_key",
        f"2026-11-25/{'0123' * 16}/../../../secret_key",
        f"2026-11-25/{'0123' * 16}.pdf/x",
        "2026-11-25/0123.pdf",
        "",
    ],
)
def test_a_signed_key_that_is_not_one_of_ours_leads_nowhere(key: str) -> None:
    with pytest.raises(LinkTampered):
        links.resolve_link(token_of(Artifact(key, "a.pdf")))
    with pytest.raises(ArtifactGone):
        links.locate(Artifact(key, "a.pdf"))
    with pytest.raises(ArtifactGone):
        links.read_artifact(Artifact(key, "a.pdf"), 10)


@pytest.mark.parametrize("name", ["a.pdf", "noted", "a.b c", "ü.größe", "a.tar.gz"])
def test_the_key_of_every_stored_file_is_one_of_ours(folder: Path, name: str) -> None:
    kept = links.store_artifact(make_file(folder), name)
    assert links.resolve_link(token_of(kept)) == kept


def with_secrets(monkeypatch: pytest.MonkeyPatch, *secrets: str) -> None:
    monkeypatch.setitem(get_settings().__dict__, "signing_keys", list(secrets))


def test_an_older_secret_opens_its_links_until_it_is_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_secrets(monkeypatch, "old-secret-old-secret")
    old = token_of(Artifact(KEY, "a.pdf"))
    with_secrets(monkeypatch, "new-secret-new-secret", "old-secret-old-secret")
    assert links.resolve_link(old)
    new = token_of(Artifact(KEY, "a.pdf"))
    with_secrets(monkeypatch, "new-secret-new-secret")
    assert links.resolve_link(new)

    with pytest.raises(LinkTampered):
        links.resolve_link(old)


def test_an_expired_link_is_refused_as_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = time.time() - get_settings().link_seconds - 2
    with monkeypatch.context() as past:
        past.setattr(time, "time", lambda: long_ago)
        token = token_of(Artifact(KEY, "a.pdf"))

    with pytest.raises(LinkExpired):
        links.resolve_link(token)


def make_old_artifact(home: Path, days: float) -> Path:
    day = (datetime.now(UTC) - timedelta(days=days)).date()
    file = home / "artifacts" / str(day) / "0123.pdf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"kept")
    return file


def run_cleanup(home: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "project.artifacts.cleanup"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(home)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_the_janitor_removes_days_whose_links_have_all_expired(tmp_path: Path) -> None:
    needed = [make_old_artifact(tmp_path, days) for days in (0, 1, 2, 3)]
    make_old_artifact(tmp_path, 4)
    make_old_artifact(tmp_path, 400)
    stranger = tmp_path / "artifacts" / "notes" / "readme"
    stranger.parent.mkdir()
    stranger.touch()
    assert "removed 2 artifacts" in run_cleanup(tmp_path)

    left = {path for path in tmp_path.glob("artifacts/*/*") if path != stranger}
    assert left == set(needed)


def test_files_are_kept_as_long_as_links_work(tmp_path: Path) -> None:
    make_old_artifact(tmp_path, 30)
    assert "removed 0 artifacts" in run_cleanup(tmp_path, CONTINUO_LINK_SECONDS=str(30 * 86_400))
    assert "removed 1 artifacts" in run_cleanup(tmp_path, CONTINUO_LINK_SECONDS=str(20 * 86_400))


def test_the_janitor_removes_abandoned_drafts(tmp_path: Path) -> None:
    old, new = (tmp_path / "workshop" / name for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "draft.csv").touch()

    os.utime(old, (0, 0))

    assert "1 drafts" in run_cleanup(tmp_path)
    assert (new.exists(), old.exists()) == (True, False)


def test_without_files_the_janitor_does_nothing(tmp_path: Path) -> None:
    assert run_cleanup(tmp_path) == "removed 0 artifacts and 0 drafts\n"


def test_a_file_name_is_safe_in_a_header_and_also_sent_in_full() -> None:
    assert links.build_disposition("a b.pdf") == {
        "Content-Disposition": 'attachment; filename="a b.pdf"'
    }

    odd = links.build_disposition('Größe "x"\r\nSet-Cookie: a.pdf')["Content-Disposition"]
    assert odd.isascii()
    assert odd.isprintable()
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%22x%22" in odd


def test_maintenance_runs_one_janitor_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from project.worker import maintenance

    ran = tmp_path / "ran"
    code = f"import pathlib, signal; pathlib.Path({str(ran)!r}).touch(); signal.pause()"
    monkeypatch.setattr(maintenance, "JANITOR", (sys.executable, "-c", code))
    keeping = maintenance.Maintenance(None, get_settings())  # type: ignore[arg-type] - it asks Redis nothing
    keeping.tidy()
    first = keeping._janitor  # noqa: SLF001
    assert first
    wait_until(ran.exists)
    keeping.tidy()
    assert keeping._janitor is first  # noqa: SLF001
    first.kill()
    wait_until(lambda: first.poll() is not None)
    keeping.tidy()
    second = keeping._janitor  # noqa: SLF001
    assert second
    assert second is not first
    second.kill()
    second.wait(10)

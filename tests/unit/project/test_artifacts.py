"""Files that jobs make, and the links that fetch them."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from project import artifacts
from project.artifacts import Artifact, ArtifactGone
from project.errors import LinkExpired, LinkTampered
from project.settings import settings


def content() -> bytes:
    """Bytes that no other test keeps."""
    return uuid.uuid4().bytes


def path_of(artifact: Artifact) -> Path:
    return settings().data_dir / "artifacts" / artifact.key


def token_of(artifact: Artifact) -> str:
    return artifacts.link(artifact).rpartition("/")[2]


def test_what_is_kept_can_be_fetched() -> None:
    data = content()
    kept = artifacts.keep(data, "summary-report.pdf")
    assert artifacts.fetch(kept) == data
    assert kept.filename == "summary-report.pdf"
    assert kept.key.endswith(".pdf")


def test_the_same_bytes_are_kept_once_whatever_their_name() -> None:
    data = content()
    first = artifacts.keep(data, "a.pdf")
    written = path_of(first).stat().st_mtime_ns
    second = artifacts.keep(data, "b.pdf")
    assert second == Artifact(first.key, "b.pdf")
    assert path_of(first).stat().st_mtime_ns == written


def test_other_bytes_under_the_same_name_are_something_else() -> None:
    assert artifacts.keep(content(), "a.pdf").key != artifacts.keep(content(), "a.pdf").key


def test_many_who_keep_the_same_bytes_at_once_all_succeed() -> None:
    data = content()
    with ThreadPoolExecutor(8) as pool:
        kept = set(pool.map(lambda _: artifacts.keep(data, "a.pdf"), range(32)))
    assert len(kept) == 1
    assert artifacts.fetch(kept.pop()) == data


def test_nothing_but_whole_files_lies_in_the_folder() -> None:
    kept = artifacts.keep(content(), "a.pdf")
    assert all(path.suffix for path in path_of(kept).parent.iterdir())


def test_a_file_that_was_removed_is_gone() -> None:
    kept = artifacts.keep(content(), "old.pdf")
    path_of(kept).unlink()
    with pytest.raises(ArtifactGone, match=r"old\.pdf is no longer kept"):
        artifacts.fetch(kept)


def test_a_link_starts_with_our_address_and_leads_back() -> None:
    kept = Artifact("0123.pdf", "Größe & Gewicht.pdf")
    assert artifacts.link(kept).startswith(f"{settings().base_url}/artifacts/")
    assert artifacts.resolve(token_of(kept)) == kept


def test_a_link_needs_no_quoting() -> None:
    token = token_of(Artifact("0123.pdf", 'a "b" / ü.pdf'))
    assert all(letter.isascii() and (letter.isalnum() or letter in "-_.") for letter in token)


def test_a_link_whose_letters_were_changed_is_refused() -> None:
    token = token_of(Artifact("0123.pdf", "a.pdf"))
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        if changed[:-1] != token[:-1]:  # the last letter of base64 has bits that mean nothing
            with pytest.raises(LinkTampered):
                artifacts.resolve(changed)


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "%00", "..", "ü"])
def test_a_link_that_was_never_ours_is_refused(token: str) -> None:
    with pytest.raises(LinkTampered):
        artifacts.resolve(token)


def test_a_link_signed_with_another_secret_is_refused() -> None:
    foreign = URLSafeTimedSerializer("somebody else's secret", salt=artifacts.SALT)
    with pytest.raises(LinkTampered):
        artifacts.resolve(foreign.dumps(["0123.pdf", "a.pdf"]))


def test_something_else_that_we_signed_is_no_link() -> None:
    other = URLSafeTimedSerializer(settings().signing_key, salt="another use")
    with pytest.raises(LinkTampered):
        artifacts.resolve(other.dumps(["0123.pdf", "a.pdf"]))


def test_an_old_link_is_refused_as_old(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = time.time() - settings().link_seconds - 2
    with monkeypatch.context() as past:
        past.setattr(time, "time", lambda: long_ago)
        token = token_of(Artifact("0123.pdf", "a.pdf"))
    with pytest.raises(LinkExpired):
        artifacts.resolve(token)

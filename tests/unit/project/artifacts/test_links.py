"""The links that fetch artifacts."""

import time
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from project.artifacts import links
from project.artifacts.links import Artifact, ArtifactGone
from project.errors import LinkExpired, LinkTampered
from project.settings.values import get_settings
from tests.support.artifact_files import make_file, token_of

KEY = f"2026-11-25/{'0123' * 16}.pdf"


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


def test_a_file_name_is_safe_in_a_header_and_also_sent_in_full() -> None:
    assert links.build_disposition("a b.pdf") == {
        "Content-Disposition": 'attachment; filename="a b.pdf"'
    }

    odd = links.build_disposition('Größe "x"\r\nSet-Cookie: a.pdf')["Content-Disposition"]
    assert odd.isascii()
    assert odd.isprintable()
    assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%22x%22" in odd

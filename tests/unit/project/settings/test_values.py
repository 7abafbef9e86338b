"""Settings: what can be set, what is refused, and who is let in."""

import hashlib
import os
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from project.errors import ContinuoError, UnsafeStart
from project.settings.api_keys import SCOPES, TENANT_SCOPES, ApiKey
from project.settings.groups import list_variables
from project.settings.secrets import read_or_create_secret
from project.settings.values import Settings

KEY = "k" * 16


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list_variables(Settings):
        monkeypatch.delenv(name, raising=False)


def load_settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_without_an_environment_every_default_is_on_this_machine() -> None:
    alone = Settings()

    assert alone.store_url == "redis://127.0.0.1:6399/0"
    assert alone.mail_url == "smtp://127.0.0.1:2525"
    assert alone.base_url == "http://127.0.0.1:8000"
    assert alone.is_loopback


def test_a_set_url_wins_over_the_bundled_server(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = load_settings(
        monkeypatch,
        REDIS_URL="redis://db:6379/1",
        BROKER_URL="amqp://mq//",
        SMTP_URL="smtp://mail:25",
        PUBLIC_URL="https://jobs.example.com/",
    )

    assert elsewhere.store_url == "redis://db:6379/1"
    assert elsewhere.mail_url == "smtp://mail:25"
    assert elsewhere.base_url == "https://jobs.example.com"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(monkeypatch, PORT="", REDIS_URL="", CONTINUO_RATE_LIMIT="") == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("FILES_PORT", "65536"),
        ("FILES_URL", "files.example.com"),
        ("ARTIFACTS_URL", "file:///srv/files"),
        ("ARTIFACTS_URL", "s3://key:secret@bucket"),
        ("PORT", "http"),
        ("CONTINUO_API_KEYS", f"web/admin@acme:{KEY}"),
        ("CONTINUO_API_KEYS", f"web@ACME:{KEY}"),
        ("HOST", "localhost"),
        ("WORKER_CONCURRENCY", "0"),
        ("LEASE_SECONDS", "0.5"),
        ("DRAIN_SECONDS", "-1"),
        ("RETENTION_SUCCESS", "1"),
        ("BROKER_URL", "redis://db"),
        ("CONTINUO_API_KEYS", "name"),
        ("CONTINUO_API_KEYS", "name:short"),
        ("CONTINUO_API_KEYS", f":{KEY}"),
        ("CONTINUO_API_KEYS", f"ops/root:{KEY}"),
        ("CONTINUO_API_KEYS", "ops:sha256=0123456789abcdef"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://user:pa/ss@db:6379/0"),
        ("REDIS_URL", "http://db:6379"),
        ("SMTP_URL", "foo"),
        ("SMTP_URL", "smtp://ada@mail"),
        ("PUBLIC_URL", "foo"),
        ("PUBLIC_URL", "jobs.example.com"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://a:b@jobs.example.com"),
        ("CONTINUO_SECRET_KEY", "x"),
        ("CONTINUO_SECRET_KEY", ","),
        ("CONTINUO_SECRET_KEY", f"{KEY},short"),
        ("CONTINUO_HOSTS", "https://api.example.com"),
        ("CONTINUO_CORS_ORIGINS", "pages.example.com"),
        ("CONTINUO_CORS_ORIGINS", "https://pages.example.com/"),
    ],
)
def test_an_invalid_value_stops_the_start_and_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        load_settings(monkeypatch, **{name: value})

    (fault,) = refused.value.errors()
    assert str(fault["loc"][0]).upper() == name


@pytest.mark.parametrize(
    "url",
    ["redis://db", "redis://:s3cret@db:6379/2", "rediss://db:6380", "redis://[::1]:6379/0",
     "unix:///run/redis.sock", "redis://db:6379/0?protocol=3",
     "redis+sentinel://:s3cret@one:26379,two:26379/main/0"],
)  # fmt: skip
def test_each_form_of_a_redis_url_is_accepted(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert load_settings(monkeypatch, REDIS_URL=url).store_url == url


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_the_data_folder_is_always_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(monkeypatch, DATA_DIR="some/where").data_dir == Path.cwd() / "some/where"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", False), ("::", False)],  # noqa: S104 - refused below
)
def test_a_public_address_without_keys_is_refused(
    monkeypatch: pytest.MonkeyPatch, host: str, loopback: bool
) -> None:
    door = load_settings(monkeypatch, HOST=host)
    assert door.is_loopback is loopback
    if not loopback:
        with pytest.raises(UnsafeStart, match="CONTINUO_API_KEYS"):
            door.refuse_public_without_keys()
    load_settings(monkeypatch, CONTINUO_API_KEYS=f"ops:{KEY}").refuse_public_without_keys()


def test_an_ipv6_address_has_brackets_in_links(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(monkeypatch, HOST="::1", PORT="80").base_url == "http://[::1]:80"


def test_keys_are_stored_as_digests_under_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    other = "with:colons:in-the-key"

    holders = load_settings(
        monkeypatch, CONTINUO_API_KEYS=f"ops:{KEY},ci/read:{other}"
    ).keys_by_digest

    assert holders == {
        hashlib.sha256(KEY.encode()).digest(): ApiKey("ops", SCOPES),
        hashlib.sha256(other.encode()).digest(): ApiKey("ci", frozenset({"read"})),
    }
    assert Settings().keys_by_digest != {}


def test_a_key_can_be_given_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    known = hashlib.sha256(KEY.encode())
    keys = f"ops:sha256={known.hexdigest()}"
    assert load_settings(monkeypatch, CONTINUO_API_KEYS=keys).keys_by_digest == {
        known.digest(): ApiKey("ops", SCOPES)
    }


def test_a_tenants_key_cannot_have_scopes_about_all_tenants(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = f"ops:{KEY},web@acme:{KEY}2,bot/read@acme:{KEY}3"

    holders = load_settings(monkeypatch, CONTINUO_API_KEYS=keys).keys_by_digest

    assert set(holders.values()) == {
        ApiKey("ops", SCOPES),
        ApiKey("web", TENANT_SCOPES, "acme"),
        ApiKey("bot", frozenset({"read"}), "acme"),
    }
    assert "admin" not in TENANT_SCOPES


def test_a_file_can_add_keys_by_their_digests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file, known = tmp_path / "keys", hashlib.sha256(KEY.encode())
    file.write_text(f"ci/read:sha256={known.hexdigest()}\n")
    there = load_settings(monkeypatch, CONTINUO_API_KEYS_FILE=str(file), HOST="0.0.0.0")  # noqa: S104
    there.refuse_public_without_keys()
    assert there.keys_by_digest == {known.digest(): ApiKey("ci", frozenset({"read"}))}
    for text in (f"ci:{KEY}", "ci", f"ci@:sha256={known.hexdigest()}", "ci/all:sha256=" + "0" * 64):
        file.write_text(text)
        with pytest.raises(ValidationError, match="CONTINUO_API_KEYS_FILE") as refused:
            Settings()
        assert KEY not in str([fault["msg"] for fault in refused.value.errors()])
    file.unlink()

    with pytest.raises(ValidationError, match="cannot be read"):
        Settings()


def test_a_configured_secret_signs_the_links(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = load_settings(monkeypatch, CONTINUO_SECRET_KEY="s" * 32, DATA_DIR=str(tmp_path))
    assert chosen.signing_keys == ["s" * 32]
    assert list(tmp_path.iterdir()) == []


def test_a_missing_secret_is_created_once_in_a_private_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (first,) = load_settings(monkeypatch, DATA_DIR=str(tmp_path)).signing_keys

    assert Settings().signing_keys == [first]
    assert len(first) >= 32
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize("text", ["", "x", "\n" * 20])
def test_an_empty_or_short_secret_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secret_key"
    file.write_text(text)

    with pytest.raises(ContinuoError, match="fewer than 16 characters"):
        read_or_create_secret(file)

    assert file.read_text() == text


def test_an_empty_secret_file_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret_key").touch()

    with pytest.raises(ValidationError, match="secret_key has fewer than 16 characters"):
        load_settings(monkeypatch, DATA_DIR=str(tmp_path))

    assert load_settings(monkeypatch, CONTINUO_SECRET_KEY=KEY).signing_keys == [KEY]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ContinuoError, match="cannot be used as the file of a secret"):
        read_or_create_secret(tmp_path / "file" / "secret")


def test_threads_that_create_the_secret_at_once_get_the_same_one(tmp_path: Path) -> None:
    found: list[str] = []
    together = threading.Barrier(8)

    def look() -> None:
        together.wait(10)
        found.append(read_or_create_secret(tmp_path / "secret"))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(found) == 8
    assert len(set(found)) == 1


def test_processes_that_create_the_secret_at_once_get_the_same_one(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    for _ in range(8):
        if os.fork() == 0:
            os.write(writing, read_or_create_secret(tmp_path / "secret").encode() + b"\n")
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as lines:
        found = lines.read().split()

    for _ in range(8):
        os.wait()

    assert len(found) == 8
    assert len(set(found)) == 1

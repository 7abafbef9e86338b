from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from cello import Request

from api.http.auth import KeyFile, Keyring
from api.http.problems import Problem
from project.settings.api_keys import ApiKey, parse_api_keys, read_key_file

KEY = "0123456789abcdef"
keys = Keyring(
    {
        sha256(KEY.encode()).digest(): ApiKey("alice"),
        sha256(b"another-key-here").digest(): ApiKey("bob", frozenset({"read"})),
    }
)


def identify(**headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return keys.identify(Request("GET", "/", headers=named), "read").name


def test_a_key_identifies_the_caller() -> None:
    assert identify(X_API_Key=KEY) == "alice"
    assert identify(X_API_Key="another-key-here") == "bob"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_key_may_come_as_a_bearer_token(scheme: str) -> None:
    assert identify(Authorization=f"{scheme} {KEY}") == "alice"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_API_Key": "wrong"},
        {"X_API_Key": KEY[:-1]},
        {"X_API_Key": KEY + " "},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Bearer "},
        {"X_API_Key": "ключ"},
    ],
)
def test_a_request_without_a_key_is_401_and_says_how_to_send_one(headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as refusal:
        identify(**headers)

    assert refusal.value.status == 401
    assert refusal.value.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_page_takes_the_key_as_a_password_and_makes_the_browser_ask() -> None:
    def open_page(password: str) -> str:
        basic = b64encode(f"anybody:{password}".encode()).decode()
        request = Request("GET", "/outbox", headers={"Authorization": f"Basic {basic}"})
        return keys.identify(request, "read", is_page=True).name

    assert open_page(KEY) == "alice"
    with pytest.raises(Problem) as refusal:
        open_page("wrong")
    assert refusal.value.headers["WWW-Authenticate"].startswith("Basic realm=")


def test_without_configured_keys_every_request_is_admitted() -> None:
    assert Keyring({}).identify(Request("GET", "/"), "control").name == ""


def test_a_key_admits_only_to_its_scopes() -> None:
    reader = Request("GET", "/", headers={"X-API-Key": "another-key-here"})

    assert keys.identify(reader, "read").name == "bob"
    with pytest.raises(Problem, match="submit") as refusal:
        keys.identify(reader, "submit")
    assert refusal.value.status == 403
    assert 'scope="submit"' in refusal.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("scopes", "asked", "missing"),
    [
        ("submit=invoice", "submit=invoice", ""),
        ("submit=invoice", "submit=*", ""),
        ("submit", "submit=invoice", ""),
        ("submit", "submit=*", ""),
        ("submit=invoice", "submit=report", "submit=report"),
        ("submit=invoice", "submit", "submit"),
        ("submit=invoice", "read", "read"),
        ("read", "submit=*", "submit"),
        ("submit=invoice", "submit=invoices", "submit=invoices"),
    ],
)
def test_a_key_can_order_jobs_of_its_kinds_only(scopes: str, asked: str, missing: str) -> None:
    ring = Keyring(parse_api_keys([f"shop/{scopes}:{KEY}"]))
    request = Request("GET", "/", headers={"X-API-Key": KEY})

    if not missing:
        assert ring.identify(request, asked).name == "shop"
        return
    with pytest.raises(Problem, match=f"does not have the scope {missing}$") as refusal:
        ring.identify(request, asked)
    assert f'scope="{missing}"' in refusal.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize("scope", ["submit=", "submit=a b", "read=invoice", "submit=*", "order"])
def test_an_unknown_scope_is_refused_with_the_name_of_its_key(scope: str) -> None:
    with pytest.raises(ValueError, match=r"the key 'shop' has .* submit, submit=KIND") as refusal:
        parse_api_keys([f"shop/{scope}@acme:{KEY}"])

    assert KEY not in str(refusal.value)


def test_a_colon_after_a_scope_still_begins_the_key() -> None:
    (holder,) = parse_api_keys([f"shop/submit:invoice:{KEY}"]).values()

    assert holder.scopes == {"submit"}


def test_a_key_file_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.http.auth.CHECK_INTERVAL_SECONDS", 0)
    path = tmp_path / "keys"

    def who() -> ApiKey:
        return ring.identify(Request("GET", "/", headers={"X-API-Key": KEY}), "read")

    line = f"@acme:sha256={sha256(KEY.encode()).hexdigest()}"
    path.write_text(f"# who\n\nada/read{line}\n")
    ring = Keyring(read_key_file(path), KeyFile(path, lambda: read_key_file(path)))
    assert who() == ApiKey("ada", frozenset({"read"}), "acme")

    path.write_text(f"grace/read{line}")
    assert who().name == "grace"

    path.write_text(f"ada/read@acme:{KEY}")  # a key in clear is none for a file
    assert who().name == "grace"
    assert "the old API keys stay in force" in caplog.text
    assert KEY not in caplog.text

    path.unlink()
    assert who().name == "grace"

    path.write_text("")
    with pytest.raises(Problem) as refusal:
        who()
    assert refusal.value.status == 401

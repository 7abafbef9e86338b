from hashlib import sha256

import pytest
from cello import Request

from api.keys import Keyring
from api.problems import Problem
from project.settings import Holder

KEY = "0123456789abcdef"
keys = Keyring(
    {
        sha256(KEY.encode()).digest(): Holder("alice"),
        sha256(b"another-key-here").digest(): Holder("bob", frozenset({"read"})),
    }
)


def identify(**headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return keys.identify(Request("GET", "/", headers=named), "read")


def test_a_key_tells_who_is_calling() -> None:
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
def test_a_stranger_is_401_and_told_how_to_send_a_key(headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as refusal:
        identify(**headers)
    assert refusal.value.status == 401
    assert refusal.value.headers["WWW-Authenticate"].startswith("Bearer")


def test_without_any_keys_everybody_may_come_in() -> None:
    assert Keyring({}).identify(Request("GET", "/"), "control") == ""


def test_a_key_opens_what_its_scopes_say() -> None:
    reader = Request("GET", "/", headers={"X-API-Key": "another-key-here"})
    assert keys.identify(reader, "read") == "bob"
    with pytest.raises(Problem, match="submit") as refusal:
        keys.identify(reader, "submit")
    assert refusal.value.status == 403

"""The client accepts a callback that Continuo has signed, and no other."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from continuo_client import InvalidSignature, verify_callback

from project.settings.groups import forget_settings
from tasks.webhooks import deliveries

SECRET = "whsec_" + "c2VjcmV0" * 6
OTHER = "whsec_" + "b3RoZXIx" * 6
BODY = b'{"type": "task.success", "timestamp": "", "data": {"id": "1"}}'


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    """The settings of the next test are not those of this one."""
    yield
    forget_settings()


def build_headers(secret: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The headers that the platform sends when ``secret`` is set."""
    monkeypatch.setenv("CONTINUO_WEBHOOK_SECRETS", secret)
    forget_settings()
    return deliveries.build_headers("the-id", BODY.decode())


def test_a_callback_of_the_platform_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = build_headers(SECRET, monkeypatch)

    callback = verify_callback([OTHER, SECRET], headers, BODY)

    assert (callback["type"], callback["data"]["id"]) == ("task.success", "1")


def test_while_the_secret_changes_both_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = build_headers(f"{OTHER},{SECRET}", monkeypatch)

    assert verify_callback(SECRET, headers, BODY)
    assert verify_callback(OTHER, headers, BODY)


def test_names_of_headers_may_have_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = build_headers(SECRET, monkeypatch)

    assert verify_callback(SECRET, {name.title(): text for name, text in headers.items()}, BODY)


@pytest.mark.parametrize(
    ("secret", "body", "change"),
    [
        (OTHER, BODY, {}),
        (SECRET, BODY + b" ", {}),
        (SECRET, BODY, {"webhook-id": "another"}),
        (SECRET, BODY, {"webhook-timestamp": str(int(time.time()) - 301)}),
        (SECRET, BODY, {"webhook-timestamp": str(int(time.time()) + 400)}),
        (SECRET, BODY, {"webhook-timestamp": "now"}),
        (SECRET, BODY, {"webhook-signature": "v1,"}),
        (SECRET, BODY, {"webhook-signature": "v1,ä"}),
    ],
    ids=["secret", "body", "id", "old", "ahead", "no time", "empty", "not ASCII"],
)
def test_another_callback_is_refused(
    secret: str, body: bytes, change: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers: Any = build_headers(SECRET, monkeypatch) | change

    with pytest.raises(InvalidSignature):
        verify_callback(secret, headers, body)


def test_a_callback_without_headers_is_refused() -> None:
    with pytest.raises(InvalidSignature, match="headers"):
        verify_callback(SECRET, {}, BODY)


@pytest.mark.parametrize("secret", ["", "c2VjcmV0", "whsec_", "whsec_?"])
def test_what_is_no_secret_is_told_and_not_repeated(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = build_headers(SECRET, monkeypatch)

    with pytest.raises(ValueError, match="a secret is whsec_ and Base64"):
        verify_callback(secret, headers, BODY)

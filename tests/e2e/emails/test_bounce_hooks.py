"""Bounces over HTTP: as mails, and the hooks of SES and Postmark."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from tests.support.bounce_mails import (
    TOPIC,
    SnsSigner,
    build_postmark_event,
    build_ses_bounce,
    write_bounce,
)
from tests.support.programs.system import System

MAIL = {"Content-Type": "message/rfc822"}
PLAIN = {"Content-Type": "text/plain; charset=UTF-8"}
PASSWORD = "a-password-of-postmark"
KEYS = {name: f"{name.partition('@')[0]}-0123456789abcdef" for name in ("root", "one@acme")}


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with keys and both hooks."""
    system = System(tmp_path_factory.mktemp("bounces"))
    system.http.headers["X-API-Key"] = KEYS["root"]
    system.start(
        CONTINUO_API_KEYS=",".join(f"{name}:{key}" for name, key in KEYS.items()),
        CONTINUO_SNS_TOPICS=TOPIC,
        CONTINUO_POSTMARK_PASSWORD=PASSWORD,
    )
    yield system
    system.close()


@pytest.fixture
def stranger(own_system: System) -> Iterator[httpx2.Client]:
    """Somebody without a key, as Amazon and Postmark are."""
    with httpx2.Client(base_url=own_system.http.base_url, trust_env=False) as client:
        yield client


def reason_of(system: System, address: str) -> str:
    answer = system.http.get(f"/suppressions/{address}")
    return str(answer.json().get("reason", ""))


def test_a_bounce_that_is_posted_suppresses_the_recipient(own_system: System) -> None:
    address = "gone@example.com"
    job_id = own_system.order("/emails", {"recipients": [address]})["id"]
    own_system.wait_until_final("/emails", job_id)
    bounce = write_bounce(job_id, address) + b"\r\nL\xfcbeck"

    answer = own_system.http.post("/bounces", content=bounce, headers=MAIL)

    assert answer.json() == {"suppressed": 1, "counted": 0, "known": 0, "ignored": 0}
    assert reason_of(own_system, address) == "bounced"
    again = own_system.http.post("/bounces", json={"message": bounce.decode("latin-1")})
    assert again.json()["known"] == 1


def test_a_forged_bounce_is_refused(own_system: System) -> None:
    bounce = write_bounce("00000000-0000-4000-8000-000000000000", "ada@example.com")

    answer = own_system.http.post("/bounces", content=bounce, headers=MAIL)

    assert answer.status_code == 403
    assert "not about a mail that was sent from here" in answer.json()["detail"]


def test_a_tenant_and_a_stranger_cannot_post_bounces(
    own_system: System, stranger: httpx2.Client
) -> None:
    bounce = write_bounce("x", "ada@example.com")
    tenant = {"X-API-Key": KEYS["one@acme"]}

    assert stranger.post("/bounces", content=bounce, headers=MAIL).status_code == 401
    refused = own_system.http.post("/bounces", content=bounce, headers=MAIL | tenant)
    assert refused.status_code == 403


def test_a_message_of_sns_with_a_wrong_signature_is_refused(
    own_system: System, stranger: httpx2.Client
) -> None:
    message = SnsSigner().write(build_ses_bounce("ada@example.com"))
    elsewhere = message | {"SigningCertURL": "https://evil.example/x.pem"}
    foreign = message | {"TopicArn": TOPIC + "x"}

    for forged in (elsewhere, foreign):
        for answer in (
            stranger.post("/bounces/ses", content=json.dumps(forged), headers=PLAIN),
            stranger.post("/bounces/ses", json=forged),
        ):
            assert answer.status_code == 403, answer.text

    assert reason_of(own_system, "ada@example.com") == ""


def test_postmark_needs_the_password_of_its_url(
    own_system: System, stranger: httpx2.Client
) -> None:
    address = "postmark@example.com"
    event = build_postmark_event(address, "HardBounce")

    for login in (None, ("postmark", "wrong"), (PASSWORD, "")):
        refused = stranger.post("/bounces/postmark", json=event, auth=login)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic")
    assert reason_of(own_system, address) == ""

    answer = stranger.post("/bounces/postmark", json=event, auth=("postmark", PASSWORD))
    assert answer.json()["suppressed"] == 1
    assert reason_of(own_system, address) == "bounced"


def test_a_hook_that_is_not_set_up_does_not_exist(system: System) -> None:
    message = SnsSigner().write(build_ses_bounce("ada@example.com"))
    event = build_postmark_event("ada@example.com", "HardBounce")

    assert system.http.post("/bounces/ses", json=message).status_code == 404
    assert system.http.post("/bounces/postmark", json=event).status_code == 404

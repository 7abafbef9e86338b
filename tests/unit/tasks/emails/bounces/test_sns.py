"""Messages of SNS: which are believed."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from project.errors import TransientError
from tasks.emails.bounces.report import IntakeRefused
from tasks.emails.bounces.sns import (
    fetch_from_amazon,
    parse_message,
    require_amazon_url,
    verify_message,
)
from tests.support.bounce_mails import TOPIC, SnsSigner
from tests.support.ports import find_free_port

SIGNER = SnsSigner()


def verify(message: dict[str, str], signer: SnsSigner = SIGNER) -> None:
    text = msgspec.json.encode(message).decode()
    verify_message(parse_message(text), [TOPIC], signer.fetch)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signed_message_is_believed(version: str) -> None:
    verify(SIGNER.write("hello", version))
    verify(SIGNER.write("hello", version, Subject="About a bounce"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Message", "changed"),
        ("MessageId", "other"),
        ("Subject", "added"),
        ("Signature", "AAAA"),
        ("Signature", "no base64!"),
        ("SignatureVersion", "1"),
        ("SignatureVersion", "3"),
        ("Type", "UnsubscribeConfirmation"),
    ],
)
def test_a_message_that_was_changed_is_refused(field: str, value: str) -> None:
    message = SIGNER.write("hello") | {field: value}

    with pytest.raises(IntakeRefused):
        verify(message)


def test_a_message_that_another_key_has_signed_is_refused() -> None:
    with pytest.raises(IntakeRefused, match="signature is wrong"):
        verify(SIGNER.write("hello"), SnsSigner())


def test_a_message_of_another_topic_is_refused_though_amazon_signed_it() -> None:
    with pytest.raises(IntakeRefused, match="CONTINUO_SNS_TOPICS"):
        verify(SIGNER.write("hello", TopicArn=TOPIC.replace("123456789012", "999999999999")))


@pytest.mark.parametrize(
    "timestamp", ["2020-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z", "now", "2026-11-27"]
)
def test_a_message_of_another_time_is_refused(timestamp: str) -> None:
    with pytest.raises(IntakeRefused):
        verify(SIGNER.write("hello", Timestamp=timestamp))


def test_a_message_of_the_last_hours_is_believed() -> None:
    at = datetime.now(UTC) - timedelta(hours=23)

    verify(SIGNER.write("hello", Timestamp=at.isoformat()))


def test_a_certificate_that_is_out_of_date_is_refused() -> None:
    old = SnsSigner(days=-1)

    with pytest.raises(IntakeRefused, match="out of date"):
        verify(old.write("hello"), old)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
        "https://evil.example/SimpleNotificationService-1.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com/other.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem?x=1",
        "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-1.pem",
        "https://[sns/SimpleNotificationService-1.pem",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_never_fetched(url: str) -> None:
    with pytest.raises(IntakeRefused):
        verify(SIGNER.write("hello", SigningCertURL=url))


def test_the_hosts_of_sns_in_every_region_are_known() -> None:
    require_amazon_url("https://sns.us-gov-west-1.amazonaws.com/?Action=ConfirmSubscription")
    require_amazon_url("https://sns.cn-north-1.amazonaws.com.cn/x.pem")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Type": 1}', "[" * 100_000, "\ud800"])
def test_a_text_that_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(IntakeRefused):
        parse_message(text)


def test_a_message_is_tried_again_when_amazon_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = find_free_port()
    monkeypatch.setattr("tasks.emails.bounces.sns.FETCH_SECONDS", 0.5)

    with pytest.raises(TransientError, match="does not answer"):
        fetch_from_amazon(f"https://127.0.0.1:{port}/x.pem")

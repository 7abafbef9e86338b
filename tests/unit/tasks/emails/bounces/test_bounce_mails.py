"""What bounces and complaints in mails say."""

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.emails.bounces.dsn import ReturnedMail, parse_mail
from tasks.emails.bounces.report import BounceKind, IntakeRefused
from tasks.emails.mail.mime import build_digest
from tests.support.bounce_mails import write_bounce, write_complaint

JOB = "0b8f5d3e-6f0d-4c61-9a57-3f3a4f2f1c11"
ADA = "Ada.L@example.org"
BOUNCE = write_bounce(JOB, ADA)


def parse(raw: bytes) -> ReturnedMail:
    returned = parse_mail(raw)
    assert returned is not None
    return returned


@pytest.mark.parametrize("headers_only", [True, False])
def test_a_bounce_names_our_mail_and_its_recipient(headers_only: bool) -> None:
    returned = parse(write_bounce(JOB, ADA, headers_only=headers_only))

    assert returned.kind is BounceKind.HARD
    assert returned.digest == build_digest(JOB, ADA)
    assert returned.candidates[0] == ADA


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", BounceKind.HARD),
        ("5.1.10", BounceKind.HARD),
        ("5.2.1", BounceKind.HARD),
        ("5.1.0", BounceKind.SOFT),
        ("5.2.2", BounceKind.SOFT),
        ("5.7.1", BounceKind.SOFT),
        ("4.4.7", BounceKind.SOFT),
        ("nonsense", BounceKind.SOFT),
    ],
)
def test_only_a_mailbox_that_does_not_exist_is_a_hard_bounce(status: str, kind: BounceKind) -> None:
    assert parse(write_bounce(JOB, ADA, status)).kind is kind


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", ""])
def test_a_report_of_no_failure_is_no_bounce(action: str) -> None:
    assert parse(write_bounce(JOB, ADA, "4.4.7", action=action)).kind is None


@pytest.mark.parametrize("kind", ["abuse", "Fraud"])
def test_a_complaint_is_one_whatever_its_type(kind: str) -> None:
    returned = parse(write_complaint(JOB, ADA, kind))

    assert returned.kind is BounceKind.COMPLAINT
    assert returned.candidates[0] == ADA


def test_a_user_who_says_that_a_mail_is_no_spam_does_not_complain() -> None:
    assert parse(write_complaint(JOB, ADA, "not-spam")).kind is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff",
        b"Subject: Out of office\r\n\r\nI am away.",
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nno parts",
    ],
)
def test_a_mail_that_is_no_report_is_ignored(raw: bytes) -> None:
    assert parse_mail(raw) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Message-ID: <", b"X-Message: <"),
        (b"Message-ID: <", b"Message-ID: <x"),
        (b"text/rfc822-headers", b"text/plain"),
        (b"message/delivery-status", b"text/plain"),
    ],
)
def test_a_report_without_what_we_need_of_it_is_refused(old: bytes, new: bytes) -> None:
    assert old in BOUNCE

    with pytest.raises(IntakeRefused):
        parse_mail(BOUNCE.replace(old, new))


def test_mails_in_mails_without_end_are_refused() -> None:
    nested = b"Content-Type: message/rfc822\r\n\r\n" * 30_000

    with pytest.raises(IntakeRefused, match="cannot be read"):
        parse_mail(nested)


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_a_damaged_report_is_read_or_refused(seed: int, faults: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - any number will do
    damaged = bytearray(BOUNCE)
    for _ in range(faults):
        place = chance.randrange(len(damaged))
        damaged[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(3))

    with suppress(IntakeRefused):
        parse_mail(bytes(damaged))

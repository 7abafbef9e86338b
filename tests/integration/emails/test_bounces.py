"""Bounces and complaints feed the suppression list, in a real Valkey."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from project.local.valkey import EmbeddedValkey
from project.settings.groups import forget_settings
from project.store.client import Store
from tasks.emails.bounces import postmark
from tasks.emails.bounces.dsn import receive_mail
from tasks.emails.bounces.intake import IntakeResult, record_reports
from tasks.emails.bounces.postmark import PostmarkEvent
from tasks.emails.bounces.report import BounceKind, BounceReport, IntakeRefused
from tasks.emails.bounces.ses import receive_message
from tasks.emails.delivery import commands
from tasks.emails.delivery.erasure import erase_person
from tasks.emails.delivery.ledger import fold_address
from tasks.emails.delivery.ledger_store import LedgerStore
from tasks.emails.delivery.mailing import Mailing
from tasks.emails.delivery.order import MailingOrder
from tests.support.bounce_mails import (
    CERTIFICATE_URL,
    TOPIC,
    SnsSigner,
    build_postmark_event,
    build_ses_bounce,
    build_ses_complaint,
    write_bounce,
    write_complaint,
)
from tests.support.programs.processes import ROOT

JOB = "0b8f5d3e-6f0d-4c61-9a57-3f3a4f2f1c11"
ADA = "Ada.L@example.org"
SUPPRESSED = IntakeResult(suppressed=1)
COUNTED = IntakeResult(counted=1)
KNOWN = IntakeResult(known=1)
IGNORED = IntakeResult(ignored=1)
SIGNER = SnsSigner()


def send(store: Store, job: str = JOB, address: str = ADA) -> None:
    ledger = LedgerStore(store.client)
    assert Mailing(MailingOrder(job), ledger).claim(address)
    ledger.close()


def read_reason(store: Store, address: str = ADA) -> str:
    entry = store.run(commands.read_suppression(fold_address(address)))
    return entry.reason if entry else ""


def receive_ses(store: Store, content: Any, **fields: str) -> IntakeResult:
    text = json.dumps(SIGNER.write(content, **fields))
    return receive_message(store, text, [TOPIC], SIGNER.fetch)


def test_a_bounce_suppresses_the_recipient_of_our_mail_once(store: Store) -> None:
    send(store)

    assert receive_mail(store, write_bounce(JOB, ADA)) == SUPPRESSED
    assert read_reason(store) == "bounced"
    assert receive_mail(store, write_bounce(JOB, ADA)) == KNOWN


def test_a_complaint_suppresses_the_recipient(store: Store) -> None:
    send(store)

    assert receive_mail(store, write_complaint(JOB, ADA)) == SUPPRESSED
    assert read_reason(store) == "complaint"


def test_a_forwarded_mail_that_bounces_elsewhere_suppresses_whom_we_mailed(store: Store) -> None:
    send(store)

    receive_mail(store, write_bounce(JOB, ADA, final="other@elsewhere.example"))

    assert read_reason(store) == "bounced"
    assert read_reason(store, "other@elsewhere.example") == ""


def test_a_forged_bounce_suppresses_nobody(store: Store) -> None:
    send(store)
    send(store, JOB, "eve@example.org")
    guessed = write_bounce("00000000-0000-4000-8000-000000000000", ADA)
    own_mail = write_bounce(JOB, "eve@example.org", final=ADA)
    own_mail = own_mail.replace(b"To: eve@example.org", b"To: " + ADA.encode())

    for forged in (guessed, own_mail, write_bounce(JOB, "bob@example.org")):
        with pytest.raises(IntakeRefused, match="not about a mail that was sent from here"):
            receive_mail(store, forged)

    assert read_reason(store) == ""


def test_soft_bounces_suppress_after_several_within_a_month(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTINUO_SOFT_BOUNCES", "3")
    forget_settings()
    reports = [BounceReport(ADA, BounceKind.SOFT, str(number)) for number in range(3)]

    assert record_reports(store, reports[:1]) == COUNTED
    assert record_reports(store, reports[:1]) == KNOWN
    assert record_reports(store, reports[1:2]) == COUNTED
    (key,) = store.client.keys("continuo:soft_bounces:*")
    assert 29 * 86_400 < store.client.ttl(key) <= 30 * 86_400
    store.client.zadd(key, {"0": 1.0})  # 1970
    assert record_reports(store, [BounceReport(ADA, BounceKind.SOFT, "x")]) == COUNTED
    assert record_reports(store, reports[2:]) == SUPPRESSED
    assert read_reason(store) == "bounced"
    assert not store.client.keys("continuo:soft_bounces:*")
    monkeypatch.undo()
    forget_settings()


def test_the_soft_bounce_of_a_mail_counts_once(store: Store) -> None:
    send(store)

    assert receive_mail(store, write_bounce(JOB, ADA, "5.2.2")) == COUNTED
    assert receive_mail(store, write_bounce(JOB, ADA, "4.4.7")) == KNOWN


def test_a_mail_that_is_no_bounce_is_ignored(store: Store) -> None:
    send(store)

    assert receive_mail(store, b"Subject: Hello\r\n\r\nI am away.") == IGNORED
    assert receive_mail(store, write_bounce(JOB, ADA, "4.4.1", action="delayed")) == IGNORED
    assert read_reason(store) == ""


def test_an_erased_person_stays_erased_when_a_bounce_comes_late(store: Store) -> None:
    send(store)
    record_reports(store, [BounceReport(ADA, BounceKind.SOFT, "1")])

    erase_person(store, fold_address(ADA))

    assert not store.client.keys("continuo:soft_bounces:*")
    with pytest.raises(IntakeRefused):
        receive_mail(store, write_bounce(JOB, ADA))
    assert record_reports(store, [BounceReport(ADA, BounceKind.HARD, "1")]) == KNOWN
    assert read_reason(store) == "erased"


@pytest.mark.parametrize(
    ("content", "result", "reason"),
    [
        (build_ses_bounce(ADA), SUPPRESSED, "bounced"),
        (build_ses_bounce(f"Ada <{ADA}>"), SUPPRESSED, "bounced"),
        (build_ses_bounce(ADA, "Transient", "MailboxFull"), COUNTED, ""),
        (build_ses_bounce(ADA, "Transient", "MessageTooLarge"), IGNORED, ""),
        (build_ses_bounce("nobody"), IGNORED, ""),
        (build_ses_complaint(ADA), SUPPRESSED, "complaint"),
        (build_ses_complaint(ADA, "not-spam"), IGNORED, ""),
        ({"notificationType": "Delivery", "delivery": {}}, IGNORED, ""),
        ("Successfully validated SNS topic for Amazon SES event publishing.", IGNORED, ""),
    ],
)
def test_a_notification_of_ses_is_recorded(
    store: Store, content: Any, result: IntakeResult, reason: str
) -> None:
    assert receive_ses(store, content) == result
    assert read_reason(store) == reason


def test_a_notification_of_ses_that_comes_again_changes_nothing(store: Store) -> None:
    soft = build_ses_bounce(ADA, "Transient")

    assert receive_ses(store, soft) == COUNTED
    assert receive_ses(store, soft) == KNOWN


@pytest.mark.parametrize("content", ["nonsense", "{}x", '{"bounce": 1}'])
def test_a_signed_message_that_is_not_of_ses_is_refused(store: Store, content: str) -> None:
    with pytest.raises(IntakeRefused, match="no notification of SES"):
        receive_ses(store, content)


def test_a_subscription_is_confirmed_at_amazon_only(store: Store) -> None:
    asked: list[str] = []

    def confirm(url: str) -> bytes:
        asked.append(url)
        return b""

    def ask(url: str) -> IntakeResult:
        fields = {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": url}
        text = json.dumps(SIGNER.write("You have chosen to subscribe", **fields))
        return receive_message(store, text, [TOPIC], SIGNER.fetch, confirm)

    url = CERTIFICATE_URL.rpartition("/")[0] + "/?Action=ConfirmSubscription&Token=t"
    assert ask(url) == IGNORED
    assert asked == [url]

    with pytest.raises(IntakeRefused, match="amazonaws"):
        ask("https://internal.example/")
    assert asked == [url]


@pytest.mark.parametrize(
    ("kind", "record", "result", "reason"),
    [
        ("HardBounce", "Bounce", SUPPRESSED, "bounced"),
        ("BadEmailAddress", "Bounce", SUPPRESSED, "bounced"),
        ("SpamComplaint", "SpamComplaint", SUPPRESSED, "complaint"),
        ("SoftBounce", "Bounce", COUNTED, ""),
        ("AutoResponder", "Bounce", IGNORED, ""),
        ("HardBounce", "Delivery", IGNORED, ""),
    ],
)
def test_an_event_of_postmark_is_recorded(
    store: Store, kind: str, record: str, result: IntakeResult, reason: str
) -> None:
    event = build_postmark_event(ADA, kind, record)
    told = PostmarkEvent(event["RecordType"], event["Type"], event["Email"], event["ID"])

    assert record_reports(store, postmark.build_reports(told)) == result
    assert read_reason(store) == reason


def run_command(raw: bytes, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tasks.emails.bounces"],
        cwd=ROOT,
        env={"DATA_DIR": str(tmp_path), "PATH": "/usr/bin", **environment},
        input=raw,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def test_a_mail_server_can_pipe_bounces_to_the_command(
    store: Store, valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    send(store)
    bounce = write_bounce(JOB, ADA, headers_only=False) + b"x" * 3_000_000

    done = run_command(bounce, tmp_path, REDIS_URL=valkey.url)
    assert (done.returncode, done.stdout) == (0, "1 suppressed\n"), done.stderr

    forged = run_command(write_bounce(JOB, "bob@example.org"), tmp_path, REDIS_URL=valkey.url)
    assert (forged.returncode, forged.stdout) == (65, "")
    assert "refused" in forged.stderr

    away = run_command(bounce, tmp_path, REDIS_URL="redis://127.0.0.1:1/0")
    assert (away.returncode, "try again" in away.stderr) == (75, True)

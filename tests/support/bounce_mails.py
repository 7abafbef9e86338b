"""Bounces and complaints as mail servers write them, about a mail that we compose."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import NameOID

from tasks.emails.mail.compose import compose

TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE_URL = (
    "https://sns.eu-west-1.amazonaws.com/"
    "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
)

_REPORT = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: continuo@mail.example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type={report_type}; boundary="=limit"

This is a MIME-encapsulated message.

--=limit
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--=limit
Content-Type: {fields_type}

{fields}

--=limit
Content-Type: {returned_type}

{returned}
--=limit--
"""
_STATUS_FIELDS = """\
Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon, 23 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; {final}
Original-Recipient: rfc822;{final}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} The reason"""
_FEEDBACK_FIELDS = """\
Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: {final}"""


def write_bounce(
    job: str,
    recipient: str,
    status: str = "5.1.1",
    *,
    action: str = "failed",
    final: str = "",
    headers_only: bool = True,
) -> bytes:
    """The report of a mail server that could not deliver the mail of a job to a recipient."""
    fields = _STATUS_FIELDS.format(final=final or recipient, action=action, status=status)
    return _write_report(
        "delivery-status", fields, compose(job, recipient, "default"), headers_only=headers_only
    )


def write_complaint(job: str, recipient: str, kind: str = "abuse") -> bytes:
    """The report of a mailbox provider whose user calls the mail spam."""
    fields = _FEEDBACK_FIELDS.format(kind=kind, final=recipient)
    mail = compose(job, recipient, "default")
    return _write_report("feedback-report", fields, mail, headers_only=False)


def _write_report(report_type: str, fields: str, mail: bytes, *, headers_only: bool) -> bytes:
    head, _, _ = mail.decode("ascii").replace("\r\n", "\n").partition("\n\n")
    text = _REPORT.format(
        report_type=report_type,
        fields_type=f"message/{report_type}",
        fields=fields,
        returned_type="text/rfc822-headers" if headers_only else "message/rfc822",
        returned=head if headers_only else mail.decode("ascii").replace("\r\n", "\n"),
    )
    return text.encode()


class SnsSigner:
    """Signs messages as SNS does, with a certificate of its own."""

    def __init__(self, days: int = 30) -> None:
        self._key = rsa.generate_private_key(65_537, 2_048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=90))
            .not_valid_after(now + timedelta(days=days))
            .sign(self._key, hashes.SHA256())
        )
        self._pem = certificate.public_bytes(serialization.Encoding.PEM)

    def fetch(self, url: str) -> bytes:
        """The certificate, at its one URL."""
        assert url == CERTIFICATE_URL
        return self._pem

    def write(self, content: Any, version: str = "2", **fields: str) -> dict[str, str]:
        """A signed notification with this content; ``fields`` are set before it is signed."""
        message = {
            "Type": "Notification",
            "MessageId": "5f3b1c2e-0000-5c1e-9f9e-1a2b3c4d5e6f",
            "TopicArn": TOPIC,
            "Message": content if isinstance(content, str) else json.dumps(content),
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds")[:23] + "Z",
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE_URL,
            "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
        } | fields
        names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token"]
        names += ["TopicArn", "Type"]
        text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
        digest = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - as SNS does
        signature = self._key.sign(text.encode(), PKCS1v15(), digest)
        return message | {"Signature": base64.b64encode(signature).decode()}


def build_ses_bounce(address: str, kind: str = "Permanent", subtype: str = "General") -> Any:
    """The notification of SES about a bounce, as its documentation shows it."""
    return {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": subtype,
            "bouncedRecipients": [
                {"emailAddress": address, "action": "failed", "status": "5.1.1"},
            ],
            "timestamp": "2026-11-27T00:00:00.000Z",
            "feedbackId": "00000137860315fd-34208509-5b74-41f3-95c5-22c1edc3c924-000000",
        },
        "mail": {"messageId": "00000137860315fd", "destination": [address]},
    }


def build_ses_complaint(address: str, feedback: str = "abuse") -> Any:
    """The notification of SES about a complaint."""
    return {
        "notificationType": "Complaint",
        "complaint": {
            "complainedRecipients": [{"emailAddress": address}],
            "complaintFeedbackType": feedback,
            "feedbackId": "0000013786031775-fea503bc-7497-49e1-881b-a0379bb037d3-000000",
        },
        "mail": {"messageId": "0000013786031775"},
    }


def build_postmark_event(address: str, kind: str, record: str = "Bounce") -> dict[str, Any]:
    """The event of Postmark, as its documentation shows it."""
    return {
        "RecordType": record,
        "MessageStream": "broadcast",
        "ID": 4_323_372_036_854_775_807,
        "Type": kind,
        "TypeCode": 1,
        "Email": address,
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Inactive": True,
        "CanActivate": True,
        "Metadata": {"example": "value"},
    }

"""Reads bounces and complaints of Amazon SES, which come as messages of SNS.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

from collections.abc import Iterator
from email.utils import parseaddr

import msgspec

from project.store.client import Store
from tasks.emails.bounces import sns
from tasks.emails.bounces.intake import IntakeResult, record_reports
from tasks.emails.bounces.report import BounceKind, BounceReport, IntakeRefused
from tasks.emails.bounces.sns import Fetch, SnsMessage

MAIL_FAULTS = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})
"""Subtypes of bounces that are about the mail, not about the recipient."""


class SesRecipient(msgspec.Struct, frozen=True, rename="camel"):
    """A recipient of a notification."""

    email_address: str


class SesBounce(msgspec.Struct, frozen=True, rename="camel"):
    """The bounce in a notification."""

    feedback_id: str
    bounce_type: str
    bounced_recipients: list[SesRecipient]
    bounce_sub_type: str = ""


class SesComplaint(msgspec.Struct, frozen=True, rename="camel"):
    """The complaint in a notification."""

    feedback_id: str
    complained_recipients: list[SesRecipient]
    complaint_feedback_type: str | None = None


class SesNotification(msgspec.Struct, frozen=True, rename="camel"):
    """A notification; ``event_type`` takes the place of its type in an event of SES."""

    notification_type: str = ""
    event_type: str = ""
    bounce: SesBounce | None = None
    complaint: SesComplaint | None = None


def receive_message(
    store: Store,
    given: SnsMessage | str,
    topics: list[str],
    fetch: Fetch = sns.fetch_certificate,
    confirm: Fetch = sns.fetch_from_amazon,
) -> IntakeResult:
    """Record what a message of SNS says, or confirm the subscription that it asks for.

    Raises ``IntakeRefused`` for a message that is forged, too old, or of another topic, and
    ``TransientError`` when Amazon does not answer.
    """
    message = sns.parse_message(given) if isinstance(given, str) else given
    sns.verify_message(message, topics, fetch)
    if message.type != sns.NOTIFICATION:
        sns.require_amazon_url(message.subscribe_url or "")
        confirm(message.subscribe_url or "")
        return IntakeResult(ignored=1)
    return record_reports(store, list(iterate_reports(message.message)))


def iterate_reports(text: str) -> Iterator[BounceReport]:
    """The reports of a notification. Raises ``IntakeRefused`` for a text that is none."""
    try:
        notification = msgspec.json.decode(text, type=SesNotification)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        if text.startswith("Successfully validated SNS topic"):  # SES greets its topic
            return
        raise IntakeRefused("its Message is no notification of SES") from None
    if (bounce := notification.bounce) and bounce.bounce_sub_type not in MAIL_FAULTS:
        is_hard = bounce.bounce_type == "Permanent"
        kind = BounceKind.HARD if is_hard else BounceKind.SOFT
        yield from _build_reports(bounce.bounced_recipients, kind, bounce.feedback_id)
    complaint = notification.complaint
    if complaint and complaint.complaint_feedback_type != "not-spam":
        recipients = complaint.complained_recipients
        yield from _build_reports(recipients, BounceKind.COMPLAINT, complaint.feedback_id)


def _build_reports(
    recipients: list[SesRecipient], kind: BounceKind, report_id: str
) -> Iterator[BounceReport]:
    for recipient in recipients:
        yield BounceReport(parseaddr(recipient.email_address)[1], kind, report_id)

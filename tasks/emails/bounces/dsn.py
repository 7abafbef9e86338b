"""Reads bounces (RFC 3464) and complaints (RFC 5965) that come as mails.

Anyone can write such a mail, so it counts only with the headers of our mail in it: its Message-ID
and its recipient.
"""

import email
import hashlib
import re
from collections.abc import Iterator, Sequence
from email.message import Message
from email.utils import parseaddr
from typing import NamedTuple

from project.store.client import Store
from tasks.emails.bounces.intake import IntakeResult, find_recipient, record_reports
from tasks.emails.bounces.report import BounceKind, BounceReport, IntakeRefused
from tasks.emails.delivery.smtp import NO_MAILBOX_CODES

MAX_MAIL_BYTES = 1_000_000
"""The part of a mail that is read: the report and our headers come before any attachment."""

MAX_PARTS = 20
COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other"})
"""Types of feedback that are complaints; ``not-spam`` is none."""

_MESSAGE_ID = re.compile(r"<([0-9a-f]{32})@[^<>@\s]+>").search
_ADDRESS_HEADERS = ("To", "X-Original-To")
_ADDRESS_FIELDS = ("Original-Recipient", "Final-Recipient", "Original-Rcpt-To")


class ReturnedMail(NamedTuple):
    """What a report says: its kind (None: nothing to do), our digest, and to whom the mail went."""

    kind: BounceKind | None
    digest: str
    candidates: list[str]


def receive_mail(store: Store, raw: bytes) -> IntakeResult:
    """Record the bounce or the complaint in a mail; other mails are ignored.

    Raises ``IntakeRefused`` for a report that is not about a mail of ours.
    """
    returned = parse_mail(raw[:MAX_MAIL_BYTES])
    if returned is None or returned.kind is None:
        return IntakeResult(ignored=1)
    address = find_recipient(store, returned.candidates, returned.digest)
    report_id = hashlib.sha256(f"{returned.digest} {address}".encode()).hexdigest()[:32]
    return record_reports(store, [BounceReport(address, returned.kind, report_id)])


def parse_mail(raw: bytes) -> ReturnedMail | None:
    """What the report says; None for a mail that is no report. Raises ``IntakeRefused``."""
    try:
        return _parse_report(email.message_from_bytes(raw))
    except (LookupError, RecursionError, TypeError, ValueError) as error:
        raise IntakeRefused(f"the report cannot be read: {type(error).__name__}") from error


def _parse_report(mail: Message) -> ReturnedMail | None:
    if mail.get_content_type() != "multipart/report" or not mail.is_multipart():
        return None
    parts = [part for part in mail.get_payload() if isinstance(part, Message)][:MAX_PARTS]
    blocks = [block for part in parts for block in _iterate_blocks(part)]
    headers = next((found for part in parts if (found := _find_headers(part))), None)
    if not blocks or headers is None:
        raise IntakeRefused("the report comes without its fields or without the returned mail")
    digest = _MESSAGE_ID(str(headers.get("Message-ID", "")))
    if digest is None:
        raise IntakeRefused("the returned mail has no Message-ID that was made here")
    return ReturnedMail(_find_kind(blocks), digest[1], list(_iterate_addresses(headers, blocks)))


def _iterate_blocks(part: Message) -> Iterator[Message]:
    """The fields of the report: blocks about the mail, and about each recipient."""
    if part.get_content_type() in {"message/delivery-status", "message/feedback-report"}:
        blocks = part.get_payload()
        if isinstance(blocks, list):
            yield from (block for block in blocks if isinstance(block, Message))


def _find_headers(part: Message) -> Message | None:
    """The headers of the returned mail, when this part has them."""
    kind = part.get_content_type()
    if kind in {"message/rfc822", "message/global"} and part.is_multipart():
        inner = part.get_payload(0)
        return inner if isinstance(inner, Message) else None
    if kind in {"text/rfc822-headers", "message/global-headers"}:
        body = part.get_payload(decode=True)
        return email.message_from_bytes(body) if isinstance(body, bytes) else None
    return None


def _find_kind(blocks: Sequence[Message]) -> BounceKind | None:
    """What the report means; the worst, when it is about several recipients."""
    kinds = {_kind_of(block) for block in blocks}
    order = (BounceKind.COMPLAINT, BounceKind.HARD, BounceKind.SOFT)
    return next((kind for kind in order if kind in kinds), None)


def _kind_of(block: Message) -> BounceKind | None:
    if str(block.get("Feedback-Type", "")).strip().lower() in COMPLAINTS:
        return BounceKind.COMPLAINT
    if str(block.get("Action", "")).strip().lower() != "failed":
        return None
    status = f"{str(block.get('Status', '')).strip()} "
    return BounceKind.HARD if status.startswith(NO_MAILBOX_CODES) else BounceKind.SOFT


def _iterate_addresses(headers: Message, blocks: Sequence[Message]) -> Iterator[str]:
    """The addresses that the mail may have gone to; that of its own header comes first."""
    texts = [str(headers.get(name, "")) for name in _ADDRESS_HEADERS]
    for block in blocks:
        texts += [str(block.get(name, "")).rpartition(";")[2] for name in _ADDRESS_FIELDS]
    for text in texts:
        address = parseaddr(text.strip())[1]
        if address:
            yield address

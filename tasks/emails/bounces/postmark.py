"""Reads bounces and complaints of Postmark.

Postmark does not sign its requests: it sends the password that is in the URL of the webhook.
https://postmarkapp.com/developer/webhooks/bounce-webhook
"""

import binascii
import hmac
from base64 import b64decode

import msgspec

from tasks.emails.bounces.report import BounceKind, BounceReport

KINDS = {
    "HardBounce": BounceKind.HARD,
    "BadEmailAddress": BounceKind.HARD,
    "SpamComplaint": BounceKind.COMPLAINT,
    "SoftBounce": BounceKind.SOFT,
    "Transient": BounceKind.SOFT,
    "DnsError": BounceKind.SOFT,
}
"""The types of events that are about the recipient; others are ignored."""


class PostmarkEvent(msgspec.Struct, frozen=True, rename="pascal"):
    """An event as Postmark posts it; other fields of it are not used."""

    record_type: str
    type: str = ""
    email: str = ""
    id: int = msgspec.field(default=0, name="ID")


def build_reports(event: PostmarkEvent) -> list[BounceReport]:
    """The report of an event; none for an event that is no bounce and no complaint."""
    kind = KINDS.get(event.type)
    if event.record_type not in {"Bounce", "SpamComplaint"} or kind is None:
        return []
    return [BounceReport(event.email, kind, str(event.id))]


def is_authorized(header: str, password: str) -> bool:
    """Whether an ``Authorization`` header has the password, with any user name."""
    scheme, _, encoded = header.partition(" ")
    try:
        sent = b64decode(encoded.strip(), validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(sent, password.encode())

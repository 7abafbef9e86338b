"""E-mail addresses: which are valid, and their normal form."""

import re
from collections.abc import Sequence
from typing import Any

import email_validator
from email_validator import EmailNotValidError
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES

from project.errors import InvalidField
from project.settings.mail_url import (
    LABEL,
    MAX_ADDRESS_CHARACTERS,
    MAX_SHOWN_CHARACTERS,
    Sender,
    match_plain_address,
    parse_sender,
)
from tasks.emails.settings import get_mail_settings

__all__ = ["MAX_SHOWN_CHARACTERS", "Sender", "parse_sender"]

_COMMON_DOMAIN = re.compile(rf"(?!.*--)(?:{LABEL}\.)+[A-Za-z]{{2,63}}")
_RESERVED_SUFFIXES = tuple(f".{name}" for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)
_SHARED_MAILBOXES = frozenset(CASE_INSENSITIVE_MAILBOX_NAMES)


def is_plain_address(address: str) -> bool:
    """Whether this is one bare ASCII address that is safe in a header and in an SMTP command."""
    return match_plain_address(address) is not None


def normalise_recipients(
    recipients: Sequence[object], field: str = "recipients"
) -> list[str | Sequence[Any]]:
    """The recipients with normal addresses, in order, each mailbox once.

    A recipient is an address, or a pair of an address and its data. Domains become lower case and
    ASCII. Two spellings that differ only in case are one mailbox; the first one stays. Raises
    ``InvalidField`` for the first invalid address; its field is ``field`` with the place, such as
    ``recipients[3]``.
    """
    mailboxes: dict[str, str | Sequence[Any]] = {}
    for place, recipient in enumerate(recipients):
        given, *rest = recipient if isinstance(recipient, (list, tuple)) else (recipient,)
        address = _normalise_address(given, f"{field}[{place}]")
        mailboxes.setdefault(address.casefold(), [address, *rest] if rest else address)
    return list(mailboxes.values())


def parse_address(text: str) -> tuple[str, str]:
    """A pair: the normal address and "", or the given text and why it is invalid."""
    try:
        return _normalise_common(text) or _normalise_unusual(text), ""
    except EmailNotValidError as refusal:
        return text[:MAX_ADDRESS_CHARACTERS], str(refusal)


def get_sender() -> Sender:
    """The sender of all mails. Raises ``InvalidField("MAIL_FROM")``."""
    return parse_sender(get_mail_settings().mail_from)


def _normalise_address(recipient: object, field: str) -> str:
    if not isinstance(recipient, str):
        raise InvalidField(field, "is not a string")
    try:
        return _normalise_common(recipient) or _normalise_unusual(recipient)
    except EmailNotValidError as refusal:
        problem = f"{recipient[:MAX_SHOWN_CHARACTERS]!r} is not an e-mail address: {refusal}"
        raise InvalidField(field, problem) from None


def _normalise_common(address: str) -> str | None:
    """The common case, 50 times faster than email-validator; None: email-validator decides."""
    plain = match_plain_address(address)
    if plain is None:
        return None
    local, domain = plain["local"], plain["domain"].lower()
    if not _COMMON_DOMAIN.fullmatch(domain) or f".{domain}".endswith(_RESERVED_SUFFIXES):
        return None
    shared = local.lower()
    return f"{shared if shared in _SHARED_MAILBOXES else local}@{domain}"


def _normalise_unusual(address: str) -> str:
    if len(address) > MAX_ADDRESS_CHARACTERS:
        raise EmailNotValidError(f"it is longer than {MAX_ADDRESS_CHARACTERS} characters.")
    verdict = email_validator.validate_email(address, strict=True, check_deliverability=False)
    if verdict.ascii_email is None:
        raise EmailNotValidError(
            "only ASCII is supported before the @-sign (it would need SMTPUTF8)."
        )
    return verdict.ascii_email

"""E-mail addresses: which are valid, and their normal form."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formataddr
from functools import lru_cache
from typing import Any

import email_validator
from email_validator import EmailNotValidError
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES

from project.errors import InvalidField
from tasks.emails.settings import get_mail_settings

MAX_ADDRESS_CHARACTERS = 254
MAX_LOCAL_PART_CHARACTERS = 64
MAX_SHOWN_CHARACTERS = 80
"""The part of an invalid address that an error repeats."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN_ADDRESS = re.compile(
    rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>{_LABEL}(?:\.{_LABEL})*)"
)
_COMMON_DOMAIN = re.compile(rf"(?!.*--)(?:{_LABEL}\.)+[A-Za-z]{{2,63}}")
_RESERVED_SUFFIXES = tuple(f".{name}" for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)
_SHARED_MAILBOXES = frozenset(CASE_INSENSITIVE_MAILBOX_NAMES)


@dataclass(frozen=True)
class Sender:
    """The sender of mails: the ``From`` header, the bare address and its domain."""

    header: str
    address: str
    domain: str


def is_plain_address(address: str) -> bool:
    """Whether this is one bare ASCII address that is safe in a header and in an SMTP command."""
    return _match_address(address) is not None


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


@lru_cache(maxsize=8)
def parse_sender(text: str) -> Sender:
    """The sender of a text ``a@example.com`` or ``Name <a@example.com>``.

    Raises ``InvalidField("MAIL_FROM")`` for anything else.
    """
    name, address = _split_name(text)
    plain = _match_address(address)
    if plain is None or not text.isprintable():
        raise InvalidField(
            "MAIL_FROM",
            f"{text[:MAX_SHOWN_CHARACTERS]!r} must be a@example.com or Name <a@example.com>",
        )
    return Sender(formataddr((name, address)), address, plain["domain"].lower())


def get_sender() -> Sender:
    """The sender of all mails. Raises ``InvalidField("MAIL_FROM")``."""
    return parse_sender(get_mail_settings().mail_from)


def _split_name(text: str) -> tuple[str, str]:
    name, bracket, address = text.strip().rpartition("<")
    if not (bracket and address.endswith(">")):
        return "", text.strip()
    return name.strip().removeprefix('"').removesuffix('"'), address.removesuffix(">")


def _match_address(address: str) -> re.Match[str] | None:
    if len(address) > MAX_ADDRESS_CHARACTERS:
        return None
    match = _PLAIN_ADDRESS.fullmatch(address)
    return match if match and len(match["local"]) <= MAX_LOCAL_PART_CHARACTERS else None


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
    plain = _match_address(address)
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

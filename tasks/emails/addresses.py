"""E-mail addresses: which ones are taken, and how they are written afterwards."""

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

MAX_LENGTH = 254
MAX_LOCAL = 64
SHOWN = 80
"""Characters of a refused address that are repeated in the answer."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>{_LABEL}(?:\.{_LABEL})*)")
_EVERYDAY_DOMAIN = re.compile(rf"(?!.*--)(?:{_LABEL}\.)+[A-Za-z]{{2,63}}")
_RESERVED = tuple(f".{name}" for name in email_validator.SPECIAL_USE_DOMAIN_NAMES)
_SHARED_MAILBOXES = frozenset(CASE_INSENSITIVE_MAILBOX_NAMES)


@dataclass(frozen=True)
class Sender:
    """Who the mails come from: the ``From`` header, the bare address and its domain."""

    header: str
    address: str
    domain: str


def is_plain(address: str) -> bool:
    """Whether this is one bare ASCII address that is safe in a header and in an SMTP command."""
    return _parts(address) is not None


def normalise(recipients: Sequence[object], field: str = "recipients") -> list[str | Sequence[Any]]:
    """The recipients as they will be written, in order, each mailbox once.

    Each is an address, or a pair of one and something that stays with it. Domains
    become lower case and ASCII. Two spellings that differ only in case are one
    mailbox; the first one stays. Raises ``InvalidField`` for the first recipient
    that is no address, as ``recipients[3]`` if that is the ``field``.
    """
    mailboxes: dict[str, str | Sequence[Any]] = {}
    for place, recipient in enumerate(recipients):
        given, *rest = recipient if isinstance(recipient, (list, tuple)) else (recipient,)
        address = _normal(given, f"{field}[{place}]")
        mailboxes.setdefault(address.casefold(), [address, *rest] if rest else address)
    return list(mailboxes.values())


def problem_of(text: str) -> tuple[str, str]:
    """An address as it will be written and "", or the text given and why it is none."""
    try:
        return _everyday(text) or _unusual(text), ""
    except EmailNotValidError as refusal:
        return text[:MAX_LENGTH], str(refusal)


@lru_cache(maxsize=8)
def sender(text: str) -> Sender:
    """The sender written as ``a@example.com`` or ``Name <a@example.com>``.

    Raises ``InvalidField("MAIL_FROM")`` for anything else.
    """
    name, address = _named(text)
    plain = _parts(address)
    if plain is None or not text.isprintable():
        raise InvalidField(
            "MAIL_FROM", f"{text[:SHOWN]!r} is neither an address nor a name and an <address>"
        )
    return Sender(formataddr((name, address)), address, plain["domain"].lower())


def _named(text: str) -> tuple[str, str]:
    name, bracket, address = text.strip().rpartition("<")
    if not (bracket and address.endswith(">")):
        return "", text.strip()
    return name.strip().removeprefix('"').removesuffix('"'), address.removesuffix(">")


def _parts(address: str) -> re.Match[str] | None:
    if len(address) > MAX_LENGTH:
        return None
    match = _PLAIN.fullmatch(address)
    return match if match and len(match["local"]) <= MAX_LOCAL else None


def _normal(recipient: object, field: str) -> str:
    if not isinstance(recipient, str):
        raise InvalidField(field, "is not a string")
    try:
        return _everyday(recipient) or _unusual(recipient)
    except EmailNotValidError as refusal:
        problem = f"{recipient[:SHOWN]!r} is not an e-mail address: {refusal}"
        raise InvalidField(field, problem) from None


def _everyday(address: str) -> str | None:
    """The common case 50 times faster than email-validator; None: let that one decide."""
    plain = _parts(address)
    if plain is None:
        return None
    local, domain = plain["local"], plain["domain"].lower()
    if not _EVERYDAY_DOMAIN.fullmatch(domain) or f".{domain}".endswith(_RESERVED):
        return None
    shared = local.lower()
    return f"{shared if shared in _SHARED_MAILBOXES else local}@{domain}"


def _unusual(address: str) -> str:
    if len(address) > MAX_LENGTH:
        raise EmailNotValidError(f"it is longer than {MAX_LENGTH} characters.")
    verdict = email_validator.validate_email(address, strict=True, check_deliverability=False)
    if verdict.ascii_email is None:
        raise EmailNotValidError(
            "only ASCII is supported before the @-sign (it would need SMTPUTF8)."
        )
    return verdict.ascii_email

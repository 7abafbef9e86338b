"""Parses the URL of a mail server (``SMTP_URL``) and the sender of mails (``MAIL_FROM``)."""

import re
from dataclasses import dataclass, field
from email.utils import formataddr
from functools import lru_cache
from urllib.parse import SplitResult, unquote, urlsplit

from project.errors import InvalidField

DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}

MAX_ADDRESS_CHARACTERS = 254
MAX_LOCAL_PART_CHARACTERS = 64
MAX_SHOWN_CHARACTERS = 80
"""The part of an invalid address that an error repeats."""

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN_ADDRESS = re.compile(rf"(?P<local>{ATOM}(?:\.{ATOM})*)@(?P<domain>{LABEL}(?:\.{LABEL})*)")


@dataclass(frozen=True)
class MailServer:
    """The address and the login of a mail server. ``scheme`` is one of ``DEFAULT_PORTS``."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Sender:
    """The sender of mails: the ``From`` header, the bare address, its domain and the plain name."""

    header: str
    address: str
    domain: str
    name: str = ""


def parse_mail_url(url: str) -> MailServer:
    """The server of a URL ``SCHEME://[user:password@]host[:port]``.

    The scheme is ``smtp`` (default port 25), ``smtps`` (465) or ``smtp+starttls`` (587). User and
    password can be percent-encoded. Raises ``InvalidField("SMTP_URL")``, without the password.
    """
    parts = _split_url(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise _build_url_error(
            f"starts with one of {', '.join(f'{name}://' for name in DEFAULT_PORTS)}"
        )
    if not parts.hostname or not parts.hostname.isascii():
        raise _build_url_error("needs an ASCII host, as in smtp://mail.example.com:25")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _build_url_error(
            "ends after host and port; encode / ? # in a password as %2F %3F %23"
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise _build_url_error("needs both user and password, or none of them")
    if not f"{user}{password}".isascii():
        raise _build_url_error("takes only ASCII in user and password")
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return MailServer(parts.scheme, parts.hostname, port, user, password)


@lru_cache(maxsize=8)
def parse_sender(text: str) -> Sender:
    """The sender of a text ``a@example.com`` or ``Name <a@example.com>``.

    Raises ``InvalidField("MAIL_FROM")`` for anything else.
    """
    name, address = _split_name(text)
    plain = match_plain_address(address)
    if plain is None or not text.isprintable():
        raise InvalidField(
            "MAIL_FROM",
            f"{text[:MAX_SHOWN_CHARACTERS]!r} must be a@example.com or Name <a@example.com>",
        )
    return Sender(formataddr((name, address)), address, plain["domain"].lower(), name)


def match_plain_address(address: str) -> re.Match[str] | None:
    """Match one bare ASCII address; its groups are ``local`` and ``domain``."""
    if len(address) > MAX_ADDRESS_CHARACTERS:
        return None
    match = _PLAIN_ADDRESS.fullmatch(address)
    return match if match and len(match["local"]) <= MAX_LOCAL_PART_CHARACTERS else None


def _split_name(text: str) -> tuple[str, str]:
    name, bracket, address = text.strip().rpartition("<")
    if not (bracket and address.endswith(">")):
        return "", text.strip()
    return name.strip().removeprefix('"').removesuffix('"'), address.removesuffix(">")


def _split_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _build_url_error(
            "has a host or port that cannot be read; ports are 1 to 65535"
        ) from None
    if not url.isprintable() or parts.port == 0:
        raise _build_url_error("has a host or port that cannot be read; ports are 1 to 65535")
    return parts


def _build_url_error(problem: str) -> InvalidField:
    return InvalidField("SMTP_URL", problem)

"""Checks messages of Amazon SNS: their signature, their topic and their age.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import http.client
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from project.errors import TransientError
from tasks.emails.bounces.report import IntakeRefused

FETCH_SECONDS = 5.0
MAX_FETCHED_BYTES = 65_536
MAX_AGE = timedelta(days=1)
"""Older messages are refused; SNS delivers for an hour."""

MAX_AHEAD = timedelta(minutes=15)
"""How much later than ours the clock of SNS may be."""

NOTIFICATION = "Notification"
SIGNED_FIELDS = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_is_host = re.compile(r"sns\.[a-z0-9-]{1,40}\.amazonaws\.com(\.cn)?").fullmatch
_is_certificate = re.compile(r"/SimpleNotificationService-[0-9a-zA-Z]{1,64}\.pem").fullmatch

type Fetch = Callable[[str], bytes]


class SnsMessage(msgspec.Struct, frozen=True, rename="pascal"):
    """A message as SNS posts it; other fields of it are not used."""

    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature: str
    signature_version: str
    signing_cert_url: str = msgspec.field(name="SigningCertURL")
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = msgspec.field(default=None, name="SubscribeURL")


def parse_message(text: str) -> SnsMessage:
    """The message, from its JSON. Raises ``IntakeRefused`` for a text that is none."""
    try:
        return msgspec.json.decode(text, type=SnsMessage)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise IntakeRefused(f"it is no message of SNS: {error}") from error


def fetch_from_amazon(url: str) -> bytes:
    """What Amazon answers; the host was checked before. Raises ``TransientError``."""
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.netloc, timeout=FETCH_SECONDS)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        answer = connection.getresponse()
        body = answer.read(MAX_FETCHED_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise TransientError(f"{parts.netloc} does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise TransientError(f"{parts.netloc} answers {answer.status}")
    return body


fetch_certificate = lru_cache(maxsize=16)(fetch_from_amazon)


def verify_message(
    message: SnsMessage,
    topics: list[str],
    fetch: Fetch = fetch_certificate,
    now: datetime | None = None,
) -> None:
    """Raise ``IntakeRefused`` unless Amazon has signed this message of one of the topics.

    Everyone can have a topic and messages that Amazon signs, so the topic must be ours. ``fetch``
    returns the certificate behind a URL.
    """
    now = now or datetime.now(UTC)
    if message.topic_arn not in topics:
        raise IntakeRefused("its topic is not one of CONTINUO_SNS_TOPICS")
    _require_recent(message.timestamp, now)
    url = message.signing_cert_url
    require_amazon_url(url)
    if not _is_certificate(urlsplit(url).path) or urlsplit(url).query:
        raise IntakeRefused("SigningCertURL is not the address of a certificate of SNS")
    _verify_signature(message, fetch(url), now)


def require_amazon_url(url: str) -> None:
    """Raise ``IntakeRefused`` for a URL that is not of SNS."""
    try:
        parts = urlsplit(url)
        is_amazon = parts.scheme == "https" and _is_host(parts.netloc)
    except ValueError:
        is_amazon = None
    if not is_amazon or not url.isascii() or not url.isprintable() or " " in url:
        raise IntakeRefused("the URL must be https://sns.REGION.amazonaws.com/...")


def build_signed_text(message: SnsMessage) -> bytes:
    """The text that SNS has signed. Raises ``IntakeRefused`` for another type of message."""
    names = SIGNED_FIELDS.get(message.type)
    if names is None:
        raise IntakeRefused(f"messages of the type {message.type[:40]!r} are not used")
    values = msgspec.to_builtins(message)
    given = {name: values[name] for name in names if values[name] is not None}
    return "".join(f"{name}\n{value}\n" for name, value in given.items()).encode()


def _require_recent(timestamp: str, now: datetime) -> None:
    try:
        at = datetime.fromisoformat(timestamp)
        is_recent = now - MAX_AGE <= at <= now + MAX_AHEAD
    except (TypeError, ValueError):  # TypeError: a time without a zone
        raise IntakeRefused("Timestamp is not a time with its zone") from None
    if not is_recent:
        raise IntakeRefused("it is older than a day, or from the future")


def _verify_signature(message: SnsMessage, pem: bytes, now: datetime) -> None:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    digests = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - the first version of SNS
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key, digest = certificate.public_key(), digests[message.signature_version]
        signature = b64decode(message.signature, validate=True)
    except (KeyError, ValueError) as error:
        raise IntakeRefused("its signature cannot be checked") from error
    is_valid = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    if not isinstance(key, RSAPublicKey) or not is_valid:
        raise IntakeRefused("the certificate is out of date, or not one of SNS")
    try:
        key.verify(signature, build_signed_text(message), PKCS1v15(), digest)
    except InvalidSignature:
        raise IntakeRefused("its signature is wrong") from None

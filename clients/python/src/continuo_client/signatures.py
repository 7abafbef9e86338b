"""Signatures of callbacks: Standard Webhooks, version 1, with a symmetric key."""

import binascii
import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import cast

import msgspec

from continuo_client.errors import InvalidSignature
from continuo_client.records import Callback

MAX_AGE_SECONDS = 300.0
PREFIX = "whsec_"


def verify_callback(
    secrets: str | Iterable[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    max_age: float = MAX_AGE_SECONDS,
) -> Callback:
    """The callback in ``body`` (as it arrived) if one of the secrets has signed it.

    ``secrets`` begin with ``whsec_``. Raises ``InvalidSignature``, also for a callback that is more
    than ``max_age`` seconds old or ahead, and ``ValueError`` for what is no secret.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    try:
        identity, at = sent["webhook-id"], int(sent["webhook-timestamp"])
        given = sent["webhook-signature"].split(" ")
    except (KeyError, ValueError):
        raise InvalidSignature("the headers of a signed callback are missing or wrong") from None
    if abs(time.time() - at) > max_age:
        raise InvalidSignature(f"the callback was signed more than {max_age:g} s ago, or ahead")
    content = f"{identity}.{at}.".encode() + body
    keys = [parse_secret(each) for each in ([secrets] if isinstance(secrets, str) else secrets)]
    wanted = [sign(key, content) for key in keys]
    if not any(hmac.compare_digest(one, other.encode()) for one in wanted for other in given):
        raise InvalidSignature("the signature is not that of the secret")
    return cast("Callback", msgspec.json.decode(body))


def parse_secret(secret: str) -> bytes:
    """The key in a secret. Raises ``ValueError``, which does not repeat it."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or not key:
        raise ValueError(f"a secret is {PREFIX} and Base64")
    return key


def sign(key: bytes, content: bytes) -> bytes:
    """The signature of the content as the header has it."""
    return b"v1," + b64encode(hmac.digest(key, content, "sha256"))

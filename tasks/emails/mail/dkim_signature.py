"""DKIM: signs mails with the key of the sender's domain, when a key is set."""

from functools import cache
from pathlib import Path

from project.errors import InvalidField
from tasks.emails.settings import get_mail_settings

SIGNED_HEADERS = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
)
"""Headers that cannot be changed or added later; receivers expect the last two among them."""

CANONICALIZATION = (b"relaxed", b"relaxed")


def sign(message: bytes, domain: str) -> bytes:
    """The message with its signature in front; unchanged when CONTINUO_DKIM_KEY is not set.

    Raises ``InvalidField`` for a key that cannot be used.
    """
    if not get_mail_settings().dkim_key:
        return message
    import dkim

    selector = get_mail_settings().dkim_selector.encode()
    try:
        signature = dkim.sign(
            message,
            selector,
            domain.encode(),
            _read_key(get_mail_settings().dkim_key),
            include_headers=list(SIGNED_HEADERS),
            canonicalize=CANONICALIZATION,
        )
    except dkim.DKIMException as error:
        raise InvalidField("CONTINUO_DKIM_KEY", f"cannot sign: {error}") from error
    return bytes(signature) + message


@cache
def _read_key(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InvalidField("CONTINUO_DKIM_KEY", f"cannot be read: {error.strerror}") from error

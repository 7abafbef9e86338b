"""Links by which a recipient takes himself off: signed, so that nobody takes off another."""

from functools import cache

from itsdangerous import BadData, URLSafeSerializer

from project.errors import LinkTampered
from project.settings.values import settings

REASON = "unsubscribed"
NOBODY = ""
"""Whose link takes off nobody: that of a mail which is only looked at, or sent as a test."""


def link(recipient: str) -> str:
    """The address of the page; a POST to it unsubscribes (RFC 8058). It works for ever."""
    return f"{settings().base_url}/u/{signer().dumps(recipient)}"


def resolve(token: str) -> str:
    """The recipient behind the last part of a link. Raises ``LinkTampered``."""
    try:
        return str(signer().loads(token))
    except BadData:
        raise LinkTampered("this link was not made here or was changed") from None


@cache
def signer() -> URLSafeSerializer:
    """Signs links with the newest secret of this installation; the others still open theirs."""
    return URLSafeSerializer(settings().signing_keys[::-1], salt=REASON)

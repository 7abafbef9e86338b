"""Links by which a recipient takes himself off: signed, so that nobody takes off another."""

from functools import cache

from itsdangerous import BadData, URLSafeSerializer

from project.errors import LinkTampered
from project.settings.values import get_settings

REASON = "unsubscribed"
PREVIEW_RECIPIENT = ""
"""Whose link takes off nobody: that of a mail which is only looked at, or sent as a test."""


def build_link(recipient: str) -> str:
    """The address of the page; a POST to it unsubscribes (RFC 8058). It works for ever."""
    return f"{get_settings().base_url}/u/{get_signer().dumps(recipient)}"


def resolve_token(token: str) -> str:
    """The recipient behind the last part of a link. Raises ``LinkTampered``."""
    try:
        return str(get_signer().loads(token))
    except BadData:
        raise LinkTampered("this link was not made here or was changed") from None


@cache
def get_signer() -> URLSafeSerializer:
    """Signs links with the newest secret of this installation; the others still open theirs."""
    return URLSafeSerializer(get_settings().signing_keys[::-1], salt=REASON)

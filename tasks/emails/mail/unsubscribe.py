"""Signed unsubscribe links: each unsubscribes its own recipient only."""

from functools import cache

from itsdangerous import BadData, URLSafeSerializer

from project.errors import LinkTampered
from project.settings.values import get_settings

REASON = "unsubscribed"
PREVIEW_RECIPIENT = ""
"""The recipient in the link of a preview or a test mail: it unsubscribes no address."""


def build_link(recipient: str) -> str:
    """The address of the unsubscribe page; a POST to it unsubscribes (RFC 8058).

    The link never expires.
    """
    return f"{get_settings().base_url}/u/{get_signer().dumps(recipient)}"


def resolve_token(token: str) -> str:
    """The recipient behind the last part of a link. Raises ``LinkTampered``."""
    try:
        return str(get_signer().loads(token))
    except BadData:
        raise LinkTampered("this link was not made here or was changed") from None


@cache
def get_signer() -> URLSafeSerializer:
    """Signs with the newest secret; links that older secrets have signed stay valid."""
    return URLSafeSerializer(get_settings().signing_keys[::-1], salt=REASON)

"""Settings of webhooks and callbacks: internal hosts they may call, and the signing keys."""

import base64
import binascii
import contextlib
import re
import secrets
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from pydantic import Field, field_validator

from project.settings.groups import SettingsGroup, read_settings, split_list
from project.settings.secrets import read_or_create_secret
from project.settings.values import get_settings

IS_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9_-]{0,61}[a-z0-9_])?",
    re.ASCII,
).fullmatch
"""A lower-case name. Its last label starts with a letter, so no parser reads it as an address."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of every secret
SECRET_BYTES = range(24, 65)
"""The lengths that Standard Webhooks allows."""
NEW_SECRET_BYTES = 32


class WebhookExceptions(NamedTuple):
    """Internal networks and host names that webhooks may call."""

    networks: list[IPv4Network | IPv6Network]
    names: list[str]


class WebhookSettings(SettingsGroup):
    """Settings of the kinds ``webhook`` and ``callback``."""

    webhook_allow: str = Field(
        "",
        validation_alias="CONTINUO_WEBHOOK_ALLOW",
        description="Internal networks and hosts that webhooks may call, separated by commas.",
    )
    webhook_secrets: str = Field(
        "",
        validation_alias="CONTINUO_WEBHOOK_SECRETS",
        description="whsec_..., separated by commas, sign callbacks; unset: one kept in DATA_DIR.",
    )

    @field_validator("webhook_allow")
    @classmethod
    def _are_networks_or_names(cls, text: str) -> str:
        parse_webhook_exceptions(text)
        return text

    @field_validator("webhook_secrets")
    @classmethod
    def _are_secrets(cls, text: str) -> str:
        for secret in split_list(text):
            parse_webhook_secret(secret)
        return text

    @cached_property
    def exceptions(self) -> WebhookExceptions:
        """The internal networks and host names that webhooks may call."""
        return parse_webhook_exceptions(self.webhook_allow)

    @cached_property
    def signing_keys(self) -> list[bytes]:
        """The keys that sign callbacks; without a secret, one is created in DATA_DIR."""
        texts = split_list(self.webhook_secrets) or [
            read_or_create_secret(
                get_settings().data_dir / "webhook_secret", generate_webhook_secret
            )
        ]
        return [parse_webhook_secret(text) for text in texts]


def get_webhook_settings() -> WebhookSettings:
    """Return the settings. Raises ``ValidationError``, which names the variables."""
    return read_settings(WebhookSettings)


def parse_webhook_secret(text: str) -> bytes:
    """Return the key of a ``whsec_...``. Raises ``ValueError``, which does not repeat the text."""
    with contextlib.suppress(binascii.Error):
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
        if text.startswith(SECRET_PREFIX) and len(key) in SECRET_BYTES:
            return key
    raise ValueError(f"each must be {SECRET_PREFIX} and 24 to 64 bytes in Base64")


def generate_webhook_secret() -> str:
    """Return a new random ``whsec_...``."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(NEW_SECRET_BYTES)).decode()


def parse_webhook_exceptions(text: str) -> WebhookExceptions:
    """Parse networks and host names, separated by commas. Raises ``ValueError`` for others."""
    names = [name for part in split_list(text) if IS_HOST_NAME(name := part.lower())]
    networks = [ip_network(part) for part in split_list(text) if part.lower() not in names]
    return WebhookExceptions(networks, names)

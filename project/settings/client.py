"""Where the command ``continuo`` finds the API, and with which key."""

from pydantic import Field, field_validator

from project.settings.groups import SettingsGroup, read_settings
from project.settings.urls import is_web_url
from project.settings.values import get_settings


class ClientSettings(SettingsGroup):
    """The settings of the command ``continuo``; no other process uses them."""

    url: str = Field(
        "",
        validation_alias="CONTINUO_URL",
        description="URL of the API for the command continuo; unset: PORT on this machine.",
    )
    key: str = Field(
        "", validation_alias="CONTINUO_KEY", description="API key for the command continuo."
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url and not is_web_url(url):
            raise ValueError("must be http://host or https://host, without a login or a query")
        return url

    @field_validator("key")
    @classmethod
    def _is_a_header_value(cls, key: str) -> str:
        if key and not is_header_value(key):
            raise ValueError("must be an API key: ASCII characters without spaces")
        return key


def is_header_value(text: str) -> bool:
    """Whether HTTP can carry the text as a key."""
    return text.isascii() and text.isprintable() and " " not in text


def read_api_url() -> str:
    """The URL of the API. Raises ``ValidationError``, which names the variables."""
    return read_settings(ClientSettings).url or f"http://127.0.0.1:{get_settings().port}"


def read_api_key() -> str:
    """The API key of the command, "" for none. Raises ``ValidationError``."""
    return read_settings(ClientSettings).key

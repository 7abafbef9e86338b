"""The databases from whose outboxes workers take orders."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from project.settings.groups import SettingsGroup, read_settings
from project.settings.urls import split_url


class RelaySettings(SettingsGroup):
    """The outboxes."""

    outbox_url: str = Field(
        "",
        description="PostgreSQL databases with an outbox, separated by spaces; workers make jobs of"
        " its rows.",
    )

    @field_validator("outbox_url")
    @classmethod
    def _are_databases(cls, text: str) -> str:
        for url in text.split():
            parts = split_url(url)
            if parts is None or parts.scheme not in {"postgresql", "postgres"}:
                raise ValueError(
                    "must be postgresql://user:password@host:5432/database; "
                    "encode / ? # and spaces in a password"
                )
        return text

    @property
    def outbox_urls(self) -> list[str]:
        """The URLs of the databases, each once."""
        return list(dict.fromkeys(self.outbox_url.split()))


def get_relay_settings() -> RelaySettings:
    """The outboxes. Raises ``ValidationError``."""
    return read_settings(RelaySettings)


def name_outbox(url: str) -> str:
    """The name of an outbox in logs and metrics: host and database, without the login."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2] or 'local'}{parts.path.rstrip('/')}"

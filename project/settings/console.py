"""Where the console leads to, beside the API."""

from pydantic import Field, field_validator

from project.settings.groups import SettingsGroup, read_settings
from project.settings.urls import is_web_url


class ConsoleSettings(SettingsGroup):
    """The console."""

    flower_url: str = Field(
        "",
        validation_alias="CONTINUO_FLOWER_URL",
        description="URL of Flower, to which the console links; unset: no links.",
    )

    @field_validator("flower_url")
    @classmethod
    def _is_a_start_of_links(cls, url: str) -> str:
        if url and not is_web_url(url):
            raise ValueError("must be https://flower.example.com or http://, perhaps with a path")
        return url


def get_console_settings() -> ConsoleSettings:
    """The settings of the console. Raises ``ValidationError``."""
    return read_settings(ConsoleSettings)

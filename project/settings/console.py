"""Where the console leads to, beside the API."""

from pydantic import Field, field_validator

from project.settings.groups import SettingsGroup, read_settings
from project.settings.urls import is_web_link, is_web_url

TRACE_PLACE = "{trace}"


class ConsoleSettings(SettingsGroup):
    """The console."""

    flower_url: str = Field(
        "",
        validation_alias="CONTINUO_FLOWER_URL",
        description="URL of Flower, to which the console links; unset: no links.",
    )

    trace_url: str = Field(
        "",
        validation_alias="CONTINUO_TRACE_URL",
        description="URL of a trace, with {trace} for its id; the page of a job links there.",
    )

    @field_validator("flower_url")
    @classmethod
    def _is_a_start_of_links(cls, url: str) -> str:
        if url and not is_web_url(url):
            raise ValueError("must be https://flower.example.com or http://, perhaps with a path")
        return url

    @field_validator("trace_url")
    @classmethod
    def _names_a_trace(cls, url: str) -> str:
        if url and (not is_web_link(url) or TRACE_PLACE not in url):
            raise ValueError(f"must be like https://traces.example.com/trace/{TRACE_PLACE}")
        return url


def get_console_settings() -> ConsoleSettings:
    """The settings of the console. Raises ``ValidationError``."""
    return read_settings(ConsoleSettings)

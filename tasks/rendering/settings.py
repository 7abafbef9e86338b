"""Settings of reports and exports. The render process does not read them: its order has them."""

from pathlib import Path

from pydantic import Field, field_validator

from project.settings.groups import SettingsGroup, read_settings
from tasks.rendering.brands import load_brands


class RenderingSettings(SettingsGroup):
    """Where report types and their rows come from, and which files go with a mail."""

    reports_dir: str = Field("", description="Folder with your own report types; see Reports.")
    database_url: str = Field(
        "", description="PostgreSQL (postgresql://) that report types may read."
    )
    attach_bytes: int = Field(
        5_000_000,
        ge=0,
        le=7_000_000,  # the limit of the attachments of an e-mail blast
        validation_alias="CONTINUO_ATTACH_BYTES",
        description="Largest file to attach to the mail about it; a larger one is only linked.",
    )

    brands_dir: str = Field(
        "", description="Folder with name, logo and colours of reports; see Reports."
    )

    @field_validator("brands_dir")
    @classmethod
    def _has_brands(cls, path: str) -> str:
        if path:
            load_brands(path)
        return path

    @field_validator("reports_dir")
    @classmethod
    def _is_a_folder(cls, path: str) -> str:
        if path and not Path(path).is_dir():
            raise ValueError("must be a folder of report types that exists and can be read")
        return path

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, url: str) -> str:
        if url and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError("must be postgresql://user:password@host:port/database")
        return url


def get_rendering_settings() -> RenderingSettings:
    """Return the settings. Raises ``ValidationError``, which names the variables."""
    return read_settings(RenderingSettings)

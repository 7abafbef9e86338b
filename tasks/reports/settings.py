"""Settings of the kind ``report``."""

from pydantic import Field

from project.settings.groups import SettingsGroup


class ReportSettings(SettingsGroup):
    """Settings of report jobs only."""

    fault_rate: float = Field(
        0.0,
        ge=0,
        le=1,
        validation_alias="CONTINUO_FAULT_RATE",
        description="Share of report attempts failing on purpose.",
    )

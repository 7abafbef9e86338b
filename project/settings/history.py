"""Whether ended jobs are kept as files, and for how long."""

from pydantic import Field

from project.settings.groups import SettingsGroup, read_settings


class HistorySettings(SettingsGroup):
    """The history of ended jobs."""

    history: bool = Field(
        default=False,
        validation_alias="CONTINUO_HISTORY",
        description="Whether workers write every ended job to DATA_DIR/history, or to the bucket of"
        " ARTIFACTS_URL, before its record is deleted; needs the extra reports.",
    )
    history_days: int = Field(
        365,
        ge=1,
        le=36_500,
        validation_alias="CONTINUO_HISTORY_DAYS",
        description="Days to keep the history.",
    )


def get_history_settings() -> HistorySettings:
    """The settings of the history. Raises ``ValidationError``."""
    return read_settings(HistorySettings)

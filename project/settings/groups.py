"""Groups of settings: each is read from the environment once per process.

The platform's own group is ``project.settings.values.Settings``. A kind of job declares its group
in ``tasks/<kind>/settings.py``::

    class ExportSettings(SettingsGroup):
        max_rows: int = Field(1_000, ge=1, validation_alias="CONTINUO_MAX_ROWS", description="...")

and reads it with ``read_settings(ExportSettings)``. Worker, beat and API read every group at their
start, so a wrong value stops them there.
"""

from functools import lru_cache
from typing import cast

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsGroup(BaseSettings):
    """Settings that belong together; frozen.

    A field is set by the environment variable named by its ``validation_alias``, or by its own
    name in capitals. A variable that is set to nothing counts as not set.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )


def read_settings[Group: SettingsGroup](group: type[Group]) -> Group:
    """Return the settings of a group. Raises ``ValidationError``, which names the variables."""
    return cast("Group", _read_group(group))


def list_groups() -> list[type[SettingsGroup]]:
    """List the groups declared so far, ordered by their module."""
    return sorted(SettingsGroup.__subclasses__(), key=lambda group: group.__module__)


def list_variables(group: type[SettingsGroup]) -> dict[str, FieldInfo]:
    """Map the name of each environment variable of a group to its field."""
    return {
        str(field.validation_alias or name.upper()): field
        for name, field in group.model_fields.items()
    }


def forget_settings() -> None:
    """Read all groups again when they are next asked for; for tests."""
    _read_group.cache_clear()


def split_list(text: str) -> list[str]:
    """Split a value at its commas, without spaces and empty parts."""
    return [part.strip() for part in text.split(",") if part.strip()]


@lru_cache
def _read_group(group: type[SettingsGroup]) -> SettingsGroup:
    return group()

"""The settings of the command ``continuo``, which it reads itself: ``clients/python``.

They are declared here because the processes of the platform refuse variables that nobody declares.
"""

from pydantic import Field

from project.settings.groups import SettingsGroup


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
